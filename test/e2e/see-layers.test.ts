/**
 * Layers: twenty changes typed in the terminal, each told by an event, held by the fold, and shown
 * by the page's stack. The layers lie in /lab, the part of the sandbox's disk that is no overlay; with userxattr, as overlay may not
 * write trusted attributes in a user namespace, and could not remove a lower directory without.
 */

import { expect } from 'vitest';
import type { TimelineEvent } from '../../packages/timeline/src/index.js';
import {
  type LayerEntry,
  mergedView,
  type OverlayState,
  type State,
} from '../../packages/timeline/src/index.js';
import { seeChanges } from './support/see.js';

/** The overlay whose upper layer is that directory. */
function overlayOn(state: State, dir: string): OverlayState | undefined {
  return Object.values(state.overlays ?? {}).find((one) => one.layers[0]?.dir === dir);
}

const top = (state: State): OverlayState | undefined => overlayOn(state, '/lab/u');
const upper = (state: State, path: string): LayerEntry | undefined =>
  top(state)?.layers[0]?.entries?.[path];
const layerOf = (state: State, path: string): number | undefined => {
  const overlay = top(state);
  return overlay === undefined
    ? undefined
    : mergedView(overlay).entries.find((one) => one.path === path)?.layer;
};

/** An entry of the upper layer came, changed (or, with null, went). */
function told(
  path: string,
  wanted: (entry: LayerEntry | null) => boolean,
): (event: TimelineEvent) => boolean {
  return (event) => {
    if (event.type !== 'overlay.change' || event.layer !== 0) return false;
    const entry = event.entries[path];
    return entry !== undefined && wanted(entry);
  };
}

seeChanges({
  view: 'Layers',
  prepare: [
    'cd /lab; mkdir a b u w m; echo one > a/x; echo a > a/y; echo bb > b/x; mkdir -p a/d/e; echo i > a/d/e/in; echo s > a/d/s; head -c 32M /dev/zero > a/big; echo g > a/gone',
  ],
  changes: [
    {
      does: 'an overlay is mounted: A + B = C',
      line: 'mount -t overlay demo -o userxattr,lowerdir=b:a,upperdir=/lab/u,workdir=/lab/w m; umount m; mount -t overlay demo -o userxattr,lowerdir=/lab/b:/lab/a,upperdir=/lab/u,workdir=/lab/w /lab/m',
      event: (event) => event.type === 'overlay.appear' && event.overlay.layers.length === 3,
      state: (state) =>
        top(state)?.layers[1]?.dir === '/lab/b' &&
        layerOf(state, 'x') === 1 &&
        layerOf(state, 'y') === 2,
      row: /upper.*\/lab\/u/,
    },
    {
      does: 'a file is written that no layer has',
      line: 'echo new > m/n',
      event: told('n', (entry) => entry?.came === 'created'),
      state: (state) => upper(state, 'n')?.size === 4 && layerOf(state, 'n') === 0,
      row: /^nnew/,
    },
    {
      does: 'a lower file is appended to: it is copied up',
      line: 'echo two >> m/x',
      event: told('x', (entry) => entry?.came === 'copy-up'),
      state: (state) => upper(state, 'x')?.size === 7 && layerOf(state, 'x') === 0,
      row: /xcopied up/,
    },
    {
      does: 'its mode alone is changed: that copies up, too',
      line: 'chmod 600 m/y',
      event: told('y', (entry) => entry?.came === 'copy-up'),
      state: (state) => upper(state, 'y')?.size === 2,
      row: /ycopied up/,
    },
    {
      does: '32 MB are copied up, in a time that is measured',
      line: 'touch m/big',
      event: told('big', (entry) => (entry?.copiedIn ?? 0) > 0),
      state: (state) => upper(state, 'big')?.size === 32 << 20,
      row: /bigcopied up in .*32 MiB/,
    },
    {
      does: 'a lower file is removed: a whiteout',
      line: 'rm m/gone',
      event: told('gone', (entry) => entry?.kind === 'whiteout'),
      state: (state) => layerOf(state, 'gone') === undefined,
      row: /gonec 0,0/,
    },
    {
      does: 'it is made again, in the place of the whiteout',
      line: 'echo back > m/gone',
      event: told('gone', (entry) => entry?.kind === 'file'),
      state: (state) => upper(state, 'gone')?.came === 'created' && layerOf(state, 'gone') === 0,
      noRow: /gonec 0,0/,
    },
    {
      does: 'a file in a lower directory is written: the directory comes up with it',
      line: 'echo more >> m/d/e/in',
      event: told('d/e/in', (entry) => entry?.came === 'copy-up'),
      state: (state) =>
        upper(state, 'd/e')?.came === 'copy-up' && upper(state, 'd/s') === undefined,
      row: /^incopied up/,
    },
    {
      does: 'a lower directory is removed and made again: it is opaque',
      line: 'rm -r m/d && mkdir m/d',
      event: told('d', (entry) => entry?.opaque === true),
      state: (state) => layerOf(state, 'd/s') === undefined && layerOf(state, 'd') === 0,
      row: /^dopaque/,
    },
    {
      does: 'a directory of the upper layer is renamed with what is in it',
      line: ['mkdir -p m/p/q && echo f > m/p/q/f', 'mv m/p m/r'],
      event: told('r', (entry) => entry?.came === 'renamed'),
      state: (state) => upper(state, 'r/q/f')?.size === 2 && upper(state, 'p') === undefined,
      row: /^r(opaque)?renamed/,
    },
    {
      does: 'a file of the upper layer alone is removed: nothing is left',
      line: 'rm m/n',
      event: told('n', (entry) => entry === null),
      state: (state) => upper(state, 'n') === undefined,
      noRow: /^nnew/,
    },
    {
      does: 'a symbolic link is made',
      line: 'ln -s x m/link',
      event: told('link', (entry) => entry?.kind === 'symlink'),
      state: (state) => upper(state, 'link')?.size === 1,
      row: /^linknew/,
    },
    {
      does: 'a FIFO is made',
      line: 'mkfifo m/pipe',
      event: told('pipe', (entry) => entry?.kind === 'fifo'),
      state: (state) => upper(state, 'pipe')?.came === 'created',
      row: /^pipenew/,
    },
    {
      does: 'a file grows',
      line: 'head -c 5000 /dev/zero > m/grow; sleep 0.3; head -c 5000 /dev/zero >> m/grow',
      event: told('grow', (entry) => entry?.size === 10_000),
      state: (state) => upper(state, 'grow')?.size === 10_000,
      row: /grownew.*9.8 KiB/,
    },
    {
      does: 'a lower file is renamed: copied up, and a hole where it was',
      line: 'echo l > /lab/a/old; mv m/old m/young',
      event: told('old', (entry) => entry?.kind === 'whiteout'),
      state: (state) =>
        upper(state, 'young')?.kind === 'file' && layerOf(state, 'old') === undefined,
      row: /oldc 0,0/,
    },
    {
      does: 'a lower layer is written to behind the overlay’s back',
      line: 'echo late > /lab/b/late',
      event: (event) =>
        event.type === 'overlay.change' && event.layer === 1 && event.entries['late'] !== undefined,
      state: (state) => top(state)?.layers[1]?.entries?.['late']?.size === 5,
      row: /^late5 B/,
    },
    {
      does: 'fifty files are made at once',
      line: 'touch m/many{1..50}',
      event: told('many50', (entry) => entry?.came === 'created'),
      state: (state) => upper(state, 'many1') !== undefined && upper(state, 'many25') !== undefined,
      row: /^many50new/,
    },
    {
      does: 'a second overlay is stacked on the first',
      line: 'mkdir u2 w2 m2; mount -t overlay two -o lowerdir=/lab/m,upperdir=/lab/u2,workdir=/lab/w2 /lab/m2',
      event: (event) =>
        event.type === 'overlay.appear' && event.overlay.layers[0]?.dir === '/lab/u2',
      state: (state) => overlayOn(state, '/lab/u2')?.layers[1]?.entries?.['x'] !== undefined,
      row: /upper.*\/lab\/u2/,
    },
    {
      does: 'the second one is unmounted: the first is shown again',
      line: 'umount /lab/m2',
      event: (event) => event.type === 'overlay.vanish',
      state: (state) => overlayOn(state, '/lab/u2') === undefined && top(state) !== undefined,
      row: /^bigcopied up/,
    },
    {
      does: 'a file is written to the sandbox’s own root: its upper layer has it',
      line: 'echo hello >> /etc/motd',
      event: told('etc/motd', (entry) => entry?.kind === 'file'),
      state: (state) =>
        Object.values(state.overlays ?? {}).some(
          ({ ofSandbox, layers }) =>
            ofSandbox &&
            layers[0]?.entries?.['etc/motd'] !== undefined &&
            layers[1]?.entries === null,
        ),
      page: async (tree, { page }) => {
        await page
          .getByRole('combobox', { name: 'Overlay', exact: true })
          .selectOption({ index: 1 });
        await tree.getByRole('treeitem').filter({ hasText: /^motd/ }).first().waitFor();
        await tree.getByRole('treeitem').filter({ hasText: 'base image' }).first().waitFor();
        await page
          .getByRole('combobox', { name: 'Overlay', exact: true })
          .selectOption({ index: 0 });
      },
    },
    {
      does: 'the upper layer is looked through: the lower file comes to light',
      line: 'umount /lab/m && mount -t overlay demo -o userxattr,lowerdir=/lab/b:/lab/a,upperdir=/lab/u,workdir=/lab/w /lab/m',
      event: (event) => event.type === 'overlay.appear' && event.overlay.layers.length === 3,
      state: (state) => upper(state, 'x')?.came === 'copy-up',
      row: /^xcopied up/,
      page: async (_, { page }) => {
        const above = page.getByRole('tree', { name: 'Seen from above', exact: true });
        const x = above.getByRole('treeitem').filter({ hasText: /^x/ });
        await x.filter({ hasText: 'upper' }).waitFor();
        await page.getByRole('button', { name: 'upper: look through it' }).click();
        await x.filter({ hasText: 'lower 1' }).waitFor();
        expect(await above.getByRole('treeitem').filter({ hasText: /^gone/ }).count()).toBe(1);
        await page.getByRole('button', { name: 'upper: look through it' }).click();
      },
    },
  ],
});
