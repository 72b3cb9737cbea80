/**
 * The house's arrows: each package.json's dependencies are the only ways between the rooms, the
 * table below is what ARCHITECTURE.md draws, and every import is held against both.
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '..');

/** Room → the rooms of ours that it may know. */
const ARROWS: Record<string, readonly string[]> = {
  'packages/spec': [],
  'packages/syscall': [],
  'packages/timeline': [],
  'packages/engine': ['spec', 'syscall'],
  'packages/observer': ['syscall', 'timeline'],
  'packages/protocol': ['timeline'],
  'packages/lesson': ['timeline'],
  'packages/views': ['timeline'],
  'apps/web': ['timeline', 'protocol', 'lesson', 'views'],
  'apps/daemon': ['spec', 'syscall', 'engine', 'observer', 'timeline', 'protocol', 'lesson'],
  'apps/player': ['timeline', 'views'],
  'apps/cli': ['lesson', 'engine', 'syscall', 'timeline'],
};

const rooms = Object.keys(ARROWS);

function sources(folder: string): string[] {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (['node_modules', 'dist', '.next', 'build'].includes(entry.name)) return [];
    const place = path.join(folder, entry.name);
    if (entry.isDirectory()) return sources(place);
    return /\.(ts|tsx|mts|mjs)$/.test(entry.name) ? [place] : [];
  });
}

/** Every module named by an import, export … from, or import(): `@terrarium/x`, `./y.js`, `node:fs`. */
function importsOf(file: string): string[] {
  const text = fs.readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"\n]+)['"]/g)].map(
    (match) => match[1]!,
  );
}

describe('architecture', () => {
  test.each(rooms)('%s › package.json names exactly the arrows of the table', (room) => {
    const manifest = JSON.parse(fs.readFileSync(path.join(ROOT, room, 'package.json'), 'utf8'));
    const ours = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
      .filter((name) => name.startsWith('@terrarium/'))
      .map((name) => name.slice('@terrarium/'.length));
    expect(ours.sort()).toEqual([...ARROWS[room]!].sort());
  });

  test.each(rooms)('%s › imports go along the arrows and stay inside the room', (room) => {
    const files = sources(path.join(ROOT, room));
    expect(files.length).toBeGreaterThan(0);
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((name) => {
          if (name.startsWith('@terrarium/')) return !ARROWS[room]!.includes(name.split('/')[1]!);
          if (name.startsWith('.'))
            return !path.resolve(path.dirname(file), name).startsWith(path.join(ROOT, room));
          return false;
        })
        .map((name) => `${path.relative(ROOT, file)} → ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  test('every workspace is in the table', () => {
    const found = ['packages', 'apps'].flatMap((kind) =>
      fs.readdirSync(path.join(ROOT, kind)).map((name) => `${kind}/${name}`),
    );
    expect(found.sort()).toEqual([...rooms].sort());
  });

  test.each(['timeline', 'protocol', 'views'])(
    '%s is isomorphic: it imports nothing of Node',
    (name) => {
      const files = sources(path.join(ROOT, 'packages', name)).filter(
        (file) => !file.includes('.test.'),
      );
      expect(files.length).toBeGreaterThan(0);
      expect(
        files.flatMap((file) => importsOf(file).filter((imported) => imported.startsWith('node:'))),
      ).toEqual([]);
    },
  );

  test('nothing below /repo names another machine’s paths', () => {
    const text = sources(path.join(ROOT, 'packages'))
      .map((file) => fs.readFileSync(file, 'utf8'))
      .join('\n');
    expect(text).not.toMatch(/\/work\/(main|shared)/);
  });
});
