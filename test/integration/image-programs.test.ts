/**
 * The list of the image's programs, by which lessons are linted, names none that the image lacks. On another
 * architecture than x86-64 the image lacks the virtual machine, so its list is shorter.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { imagePrograms } from '../../packages/lesson/src/load/lint/programs.js';
import { currentImage } from '../../scripts/setup/images.mjs';
import { readSettings } from '../../scripts/setup/paths.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PLACES = ['usr/bin', 'usr/sbin', 'usr/local/bin', 'images/busybox/bin'];

const image = currentImage(readSettings([]).settings.TERRARIUM_IMAGES);
const lacks = image?.kind !== 'debian' || process.arch !== 'x64' ? 'Debian image for x86-64' : null;

test.skipIf(lacks !== null)(
  `the image has the programs that lessons may use${lacks === null ? '' : ` (missing: ${lacks})`}`,
  () => {
    const found = PLACES.map((place) => join(image?.path ?? '', place))
      .filter((place) => existsSync(place))
      .flatMap((place) => readdirSync(place));
    const there = new Set(found);
    expect([...imagePrograms(ROOT)].filter((name) => !there.has(name))).toEqual([]);
  },
);
