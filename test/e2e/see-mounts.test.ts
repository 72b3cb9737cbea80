/** Mounts, from the terminal to the tree on the page: twenty things that a learner does. */
import {
  type MountState,
  mountsOf,
  type State,
  type TimelineEvent,
} from '../../packages/timeline/src/index.js';
import { type Change, seeChanges } from './support/see.js';

/** The uppermost mount there: numbers come again, so the highest need not be the last. */
function at(state: State, path: string): MountState | undefined {
  const there = mountsOf(state, state.sandbox?.namespaces.mnt ?? 0).filter(
    ({ mountPoint }) => mountPoint === path,
  );
  return there.find(({ mountId }) => there.every(({ parentId }) => parentId !== mountId));
}
const attached =
  (path: string) =>
  (event: TimelineEvent): boolean =>
    event.type === 'mount.attach' && event.mount.mountPoint === path && event.actor !== undefined;
const changed =
  (path: string) =>
  (event: TimelineEvent): boolean =>
    event.type === 'mount.change' && event.mount.mountPoint === path && event.actor !== undefined;
const detached = (event: TimelineEvent): boolean =>
  event.type === 'mount.detach' && event.actor !== undefined;

function mounts(does: string, line: string, path: string, more: Partial<Change> = {}): Change {
  return {
    does,
    line,
    event: attached(path),
    state: (state) => at(state, path) !== undefined,
    row: path.slice(path.lastIndexOf('/') + 1),
    ...more,
  };
}

function alters(
  does: string,
  line: string,
  path: string,
  holds: (mount: MountState) => boolean,
): Change {
  return {
    does,
    line,
    event: changed(path),
    state: (state) => {
      const mount = at(state, path);
      return mount !== undefined && holds(mount);
    },
  };
}

function unmounts(does: string, line: string, path: string, more: Partial<Change> = {}): Change {
  return { does, line, event: detached, state: (state) => at(state, path) === undefined, ...more };
}

const propagation =
  (start: string) =>
  (mount: MountState): boolean =>
    start === ''
      ? mount.optionalFields.length === 0
      : mount.optionalFields.some((field) => field.startsWith(start));

seeChanges({
  view: 'Mounts',
  prepare: ['mkdir -p /lab/see && cd /lab/see && mkdir first second third fourth l u w merged'],
  changes: [
    mounts('mounts a tmpfs', 'mount -t tmpfs one first', '/lab/see/first'),
    alters(
      'makes it read-only',
      'mount -o remount,bind,ro first',
      '/lab/see/first',
      ({ mountOptions }) => mountOptions.startsWith('ro'),
    ),
    alters(
      'makes it writable again',
      'mount -o remount,bind,rw first',
      '/lab/see/first',
      ({ mountOptions }) => mountOptions.startsWith('rw'),
    ),
    alters(
      'forbids set-uid there',
      'mount -o remount,bind,nosuid first',
      '/lab/see/first',
      ({ mountOptions }) => mountOptions.includes('nosuid'),
    ),
    alters('shares it', 'mount --make-shared first', '/lab/see/first', propagation('shared:')),
    alters('makes it private', 'mount --make-private first', '/lab/see/first', propagation('')),
    alters(
      'makes it unbindable',
      'mount --make-unbindable first',
      '/lab/see/first',
      propagation('unbindable'),
    ),
    alters(
      'makes it private again',
      'mount --make-private first',
      '/lab/see/first',
      propagation(''),
    ),
    mounts('mounts over it', 'mount -t tmpfs two first', '/lab/see/first', {
      state: (state) => at(state, '/lab/see/first')?.mountSource === 'two',
    }),
    unmounts('takes the upper one away', 'umount first', '', {
      state: (state) => at(state, '/lab/see/first')?.mountSource === 'one',
    }),
    mounts(
      'mounts a directory elsewhere',
      'mkdir first/sub; mount --bind first/sub second',
      '/lab/see/second',
    ),
    alters(
      'makes the second place read-only',
      'mount -o remount,bind,ro second',
      '/lab/see/second',
      ({ mountOptions }) => mountOptions.startsWith('ro'),
    ),
    unmounts('takes it away', 'umount second', '/lab/see/second', { noRow: 'second' }),
    mounts(
      'mounts one below the other',
      'mkdir first/deep; mount -t tmpfs three first/deep',
      '/lab/see/first/deep',
    ),
    mounts('moves it', 'mount --move first/deep third', '/lab/see/third', {
      event: (event) => event.type === 'mount.change' || attached('/lab/see/third')(event),
    }),
    mounts('binds a file', 'touch file other; mount --bind file other', '/lab/see/other'),
    mounts(
      'mounts an overlay',
      'mount -t overlay layers -o lowerdir=l,upperdir=u,workdir=w merged',
      '/lab/see/merged',
    ),
    mounts('mounts a proc', 'mount -t proc proc fourth', '/lab/see/fourth', {
      state: (state) => at(state, '/lab/see/fourth')?.procPidNs === state.sandbox?.namespaces.pid,
    }),
    unmounts('takes the proc away lazily', 'umount --lazy fourth', '/lab/see/fourth', {
      noRow: 'fourth',
    }),
    unmounts('takes the overlay away', 'umount merged', '/lab/see/merged', { noRow: 'merged' }),
    unmounts('takes the first away', 'umount first', '/lab/see/first', { noRow: 'first' }),
  ],
});
