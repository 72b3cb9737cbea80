/** cgroupsPath as configs spell it. */
import { expect, test } from 'vitest';
import { containerGroup } from './cgroups-path.js';

const place = { parent: '/terrarium', id: 'web-1' };

test('absolute below the mount points, relative below the parent, none by id', () => {
  expect(containerGroup('/a/b', place)).toBe('/a/b');
  expect(containerGroup('//a/./b/', place)).toBe('/a/b');
  expect(containerGroup('a/b', place)).toBe('/terrarium/a/b');
  expect(containerGroup(undefined, place)).toBe('/terrarium/web-1');
  expect(containerGroup('', { parent: '/', id: 'x' })).toBe('/x');
  expect(containerGroup('/with:colon', place)).toBe('/with:colon');
});

test('the systemd driver is named as unsupported', () => {
  for (const path of ['system.slice:runc:web-1', ':runc:web-1', '::web-1']) {
    expect(() => containerGroup(path, place)).toThrow(/systemd driver .* not supported/);
  }
});

test('no way out, and no limits on the root', () => {
  expect(() => containerGroup('/a/../../b', place)).toThrow('must not contain ".."');
  expect(() => containerGroup('../b', place)).toThrow('must not contain ".."');
  expect(() => containerGroup('/', place)).toThrow('is the root');
});
