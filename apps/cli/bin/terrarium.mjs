#!/usr/bin/env node
/** `npx terrarium`: this file is there before the first build, so that npm can link it. */
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) await import(main.href);
else {
  console.error('terrarium: not built yet: run npm start once, or npx tsc -b apps/cli');
  process.exitCode = 1;
}
