import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compressedAssets } from './assets.js';

let folder: string;
let server: Server;
let origin: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'terrarium-assets-'));
  mkdirSync(join(folder, 'chunks'));
  writeFileSync(join(folder, 'chunks/a.js'), 'let a = 1;');
  writeFileSync(join(folder, 'chunks/a.js.br'), brotliCompressSync('let a = 1;'));
  const assets = compressedAssets(folder);
  server = createServer((request, response) =>
    assets(request, response, () => response.end(`otherwise ${request.url}`)),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const get = (path: string, encodings: string): Promise<Response> =>
  fetch(`${origin}${path}`, { headers: { 'Accept-Encoding': encodings } });

describe('compressed assets', () => {
  test('a browser that takes brotli gets the copy, for good', async () => {
    const response = await get('/_next/static/chunks/a.js', 'gzip, br');
    expect(response.headers.get('content-encoding')).toBe('br');
    expect(response.headers.get('content-type')).toContain('javascript');
    expect(response.headers.get('cache-control')).toContain('immutable');
    expect(await response.text()).toBe('let a = 1;');
  });

  test.each([
    ['a browser that takes none', '/_next/static/chunks/a.js', 'gzip'],
    ['what is not there', '/_next/static/chunks/b.js', 'br'],
    ['another address', '/en', 'br'],
    ['a way out of the folder', '/_next/static/../../package.json', 'br'],
    ['a name that cannot be read', '/_next/static/%E0%A4%A.js', 'br'],
  ])('leaves %s to Next', async (_, path, encodings) => {
    expect(await (await get(path, encodings)).text()).toMatch(/^otherwise \//);
  });
});
