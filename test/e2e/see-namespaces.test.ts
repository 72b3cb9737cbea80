/** Namespaces, from the terminal to the tree on the page: twenty things that a learner does. */
import {
  membersOf,
  NAMESPACE_KINDS,
  type NamespaceKind,
  type NamespaceState,
  type State,
  type TimelineEvent,
} from '../../packages/timeline/src/index.js';
import { type Change, seeChanges } from './support/see.js';

const OPTION: Record<NamespaceKind, string> = {
  pid: '--fork --pid',
  mnt: '--mount',
  net: '--net',
  uts: '--uts',
  ipc: '--ipc',
  user: '--user',
  cgroup: '--cgroup',
  time: '--fork --time',
};

const fresh = (state: State, kind: NamespaceKind): NamespaceState[] =>
  Object.values(state.namespaces).filter((one) => one.kind === kind && !one.ofSandbox);
const appears =
  (kind: NamespaceKind) =>
  (event: TimelineEvent): boolean =>
    event.type === 'namespace.appear' && event.namespace.kind === kind;
const vanishes = (event: TimelineEvent): boolean => event.type === 'namespace.vanish';
const count =
  (kind: NamespaceKind, wanted: number) =>
  (state: State): boolean =>
    fresh(state, kind).length === wanted;

/** A member of a new namespace begins, and ends. */
function comesAndGoes(kind: NamespaceKind): Change[] {
  return [
    {
      does: `makes a ${kind} namespace`,
      line: `unshare ${OPTION[kind]} sleep 900 &`,
      event: (event) => appears(kind)(event) && 'actor' in event && event.actor !== undefined,
      state: (state) =>
        fresh(state, kind).some(({ inode }) =>
          membersOf(state, inode).some(({ comm }) => comm === 'sleep'),
        ),
      row: new RegExp(`${kind}:\\[\\d+\\], `),
    },
    {
      does: `lets the ${kind} namespace go`,
      line: 'pkill -9 sleep; wait 2>/dev/null',
      event: vanishes,
      state: count(kind, 0),
      noRow: new RegExp(`${kind}:\\[\\d+\\], (solid|dashed|dotted)`),
    },
  ];
}

seeChanges({
  view: 'Namespaces',
  prepare: ['mkdir -p /tmp/ns; cd /tmp/ns'],
  changes: [
    ...NAMESPACE_KINDS.flatMap(comesAndGoes),
    {
      does: 'keeps one by a bind mount',
      line: 'touch held; unshare --uts=held true',
      event: (event) =>
        event.type === 'namespace.change' && event.change.holders?.[0]?.by === 'mount',
      state: (state) =>
        fresh(state, 'uts').some(
          ({ inode, holders }) => holders.length === 1 && membersOf(state, inode).length === 0,
        ),
      row: /held/,
    },
    {
      does: 'joins it',
      line: 'nsenter --uts=held sleep 900 &',
      event: (event) => event.type === 'process.change' && event.change.namespaces !== undefined,
      state: (state) =>
        fresh(state, 'uts').some(({ inode }) => membersOf(state, inode).length === 1),
    },
    {
      does: 'takes the mount away while somebody is inside',
      line: 'umount held',
      event: (event) => event.type === 'namespace.change' && event.change.holders?.length === 0,
      state: (state) => fresh(state, 'uts').some(({ holders }) => holders.length === 0),
    },
    {
      does: 'lets the last one leave',
      line: 'pkill -9 sleep; wait 2>/dev/null',
      event: vanishes,
      state: count('uts', 0),
    },
    {
      does: 'makes two of a kind',
      line: 'unshare --ipc sleep 900 & unshare --ipc sleep 900 &',
      event: appears('ipc'),
      state: count('ipc', 2),
    },
    {
      does: 'nests user namespaces, the inner owning a net namespace',
      line: 'unshare --user --map-root-user unshare --user --map-root-user --net sleep 900 &',
      event: appears('net'),
      state: (state) => {
        const [net] = fresh(state, 'net');
        const owner = state.namespaces[net?.owner ?? 0];
        return (
          fresh(state, 'user').length === 2 && owner?.parent !== state.sandbox?.namespaces.user
        );
      },
    },
  ],
});
