/** Namespaces alone: make, join, hold and list each of the eight kinds; id maps; time offsets. */
import { z } from 'zod';
import {
  cloneChild,
  holdByMount,
  joinByPath,
  joinByPidfd,
  listNamespaces,
  type NamespaceKind,
  openNamespace,
  type TimeOffsets,
  unshareNamespaces,
  writeIdMapsOf,
  writeTimeOffsets,
} from '../plan/namespace-calls.js';
import { purpose } from '../plan/script.js';
import { type Primitive, primitive } from './primitive.js';
import type { Room } from './room.js';
import { absolutePath, idMaps, namespaceKind, timeOffsets } from './schemas.js';
import { awaitByte, bear, openPipe, sendByte } from './scribe.js';

const kinds = z.array(namespaceKind).min(1);

const makeParams = z
  .strictObject({
    kinds,
    maps: idMaps.optional().describe('needed with a user namespace'),
    offsets: timeOffsets.optional().describe('of a time namespace'),
  })
  .refine((one) => one.kinds.includes('user') === (one.maps !== undefined), {
    message: 'maps belong to a user namespace, and a user namespace needs them',
  })
  .refine((one) => one.offsets === undefined || one.kinds.includes('time'), {
    message: 'offsets belong to a time namespace',
  });

type MakeParams = z.infer<typeof makeParams>;

const NAMESPACE_MAKE = primitive({
  name: 'namespace-make',
  man: 'clone(2)',
  words: {
    en: 'make namespaces and go on in them; what is seen through them is ours alone from now on',
    zh: '创建命名空间并进入其中；从此透过它们看到的只属于自己',
  },
  params: makeParams,
  prepare: (room, params) => {
    if (params.kinds.includes('user') || params.offsets !== undefined) makeByScribe(room, params);
    else makeByUnshare(room, params.kinds);
    return () => {};
  },
});

/** Without ids to map, the process leaves its namespaces itself. */
function makeByUnshare(room: Room, made: readonly NamespaceKind[]): void {
  unshareNamespaces(room.script, made);
  if (!made.includes('pid') && !made.includes('time')) return;
  const { child } = cloneChild(room.script, 'inside', []);
  room.goOnIn(child);
}

/**
 * With them, somebody has to stay behind who writes them: see scribe.ts. A time namespace is only
 * for children, and its offsets are fixed once one is in it.
 *
 *   scribe ──▶ … ──▶ inside   (all kinds but time, and pid with it)
 *     │                │ unshare(CLONE_NEWTIME)
 *     │ ◀── ready ──── │
 *     │ maps, offsets  │
 *     │ ─── mapped ──▶ │
 *     ▼ exits          ▼ clone3 ──▶ child
 */
function makeByScribe(room: Room, { kinds: made, maps, offsets }: MakeParams): void {
  const scribe = room.script;
  const proc = room.proc();
  const hasTime = made.includes('time');
  const isLate = (kind: NamespaceKind) => kind === 'time' || (kind === 'pid' && hasTime);
  const ready = openPipe(scribe, 'ready');
  const mapped = openPipe(scribe, 'mapped');
  const { script: inside, pid } = bear(
    room,
    'inside',
    made.filter((kind) => !isLate(kind)),
  );
  if (hasTime) {
    unshareNamespaces(inside, ['time']);
    sendByte(inside, ready);
    awaitByte(scribe, ready);
  }
  if (maps !== undefined) writeIdMapsOf(scribe, proc, pid, maps);
  writeTimeOffsets(scribe, proc, pid, definedOffsets(offsets));
  sendByte(scribe, mapped);
  awaitByte(inside, mapped);
  if (maps === undefined) room.goOnConfined(inside);
  else room.goOnInUserNamespace(inside, maps.setgroups);
  if (!hasTime) return;
  const { child } = cloneChild(inside, 'child', made.includes('pid') ? ['pid'] : []);
  room.goOnIn(child);
}

function definedOffsets(offsets: MakeParams['offsets']): TimeOffsets {
  const { monotonic, boottime } = offsets ?? {};
  return {
    ...(monotonic === undefined ? {} : { monotonic }),
    ...(boottime === undefined ? {} : { boottime }),
  };
}

const NAMESPACE_JOIN = primitive({
  name: 'namespace-join',
  man: 'setns(2)',
  words: {
    en: 'join namespaces that exist: those of a process, or one that a file holds',
    zh: '加入已有的命名空间：某个进程的，或由文件保持的那个',
  },
  params: z.union([
    z.strictObject({ pid: z.int().positive(), kinds }),
    z.strictObject({ path: absolutePath, kind: namespaceKind }),
  ]),
  write: (room, params) => {
    const joined = 'pid' in params ? params.kinds : [params.kind];
    if ('pid' in params) joinByPidfd(room.script, params.pid, params.kinds);
    else joinByPath(room.script, params.path, params.kind);
    if (!joined.includes('pid') && !joined.includes('time')) return;
    const { child } = cloneChild(room.script, 'inside', []);
    room.goOnIn(child);
  },
});

const NAMESPACE_HOLD = primitive({
  name: 'namespace-hold',
  man: 'namespaces(7)',
  words: {
    en: 'keep a namespace without a process in it: by a bind mount of its file, or by an open fd',
    zh: '让没有进程的命名空间继续存在：绑定挂载它的文件，或保持一个打开的文件描述符',
  },
  params: z.strictObject({
    kind: namespaceKind,
    pid: z.int().positive().optional().describe('of this process; its own by default'),
    file: absolutePath.optional().describe('bind it here; without it an fd holds (end with hold)'),
  }),
  write: ({ script }, { kind, pid, file }) => {
    const link = `/proc/${pid ?? 'self'}/ns/${kind}`;
    if (file !== undefined) holdByMount(script, link, file);
    else openNamespace(script, link, holdPurpose);
  },
});

const holdPurpose = purpose(
  'namespace-hold-fd',
  'hold the namespace by an open file: it lives as long as the fd does',
  '用打开的文件保持命名空间：文件描述符在，它就在',
);

const NAMESPACE_LIST = primitive({
  name: 'namespace-list',
  man: 'namespaces(7)',
  words: {
    en: 'list the eight namespaces that a process is in, by their inodes',
    zh: '列出进程所在的八个命名空间及其 inode',
  },
  params: z.strictObject({ pid: z.int().positive().optional() }),
  write: ({ script }, { pid }) => listNamespaces(script, pid ?? 'self'),
});

const ID_MAP = primitive({
  name: 'id-map',
  man: 'user_namespaces(7)',
  words: {
    en: 'write the id maps of a process that is in a new user namespace: setgroups, uid_map, gid_map',
    zh: '为处于新用户命名空间的进程写 ID 映射：setgroups、uid_map、gid_map',
  },
  params: idMaps.extend({ pid: z.int().positive() }),
  prepare: (room, { pid, ...maps }) => {
    writeIdMapsOf(room.script, room.proc(), pid, maps);
    return undefined;
  },
});

export const NAMESPACE_PRIMITIVES: readonly Primitive[] = [
  NAMESPACE_MAKE,
  NAMESPACE_JOIN,
  NAMESPACE_HOLD,
  NAMESPACE_LIST,
  ID_MAP,
];
