/**
 * Cgroups, typed in the terminal: groups made and removed, limits, members, meters, freezing, the
 * OOM killer; each in the words of this machine's version, each seen in the tree.
 */
import { detectCgroupLayout } from '../../packages/engine/src/index.js';
import {
  type CgroupState,
  cgroupFacts,
  cgroupIn,
  cgroupNumber,
  type ProcessState,
  processesOf,
  type State,
  type TimelineEvent,
} from '../../packages/timeline/src/index.js';
import { seeChanges } from './support/see.js';

const isV2 = detectCgroupLayout().kind === 'v2';
/** In the terminal: the directory of each hierarchy; on v2 they are all the same. */
const PLACES = isV2
  ? 'P=/sys/fs/cgroup; M=$P C=$P F=$P'
  : 'P=/sys/fs/cgroup/pids M=/sys/fs/cgroup/memory C=/sys/fs/cgroup/cpu F=/sys/fs/cgroup/freezer';
/** On v2 the sandbox's processes begin in a leaf, as inner groups have no members. */
const HOME = "H=$(sed -n 's/^0:://p' /proc/self/cgroup)";

type Controller = 'pids' | 'memory' | 'cpu' | 'freezer';
const keyOf = (controller: Controller, path: string): string => `${isV2 ? '' : controller}:${path}`;
const groupOf = (state: State, controller: Controller, path: string): CgroupState | undefined =>
  state.cgroups?.[keyOf(controller, path)];

/** A number of a group's files, in the unit of the vocabulary; null for none. */
function number(
  state: State,
  controller: Controller,
  path: string,
  id: Parameters<typeof cgroupNumber>[1],
): number | null {
  const group = groupOf(state, controller, path);
  return group === undefined ? null : cgroupNumber(cgroupFacts([group], state.meters), id);
}

const runs = (state: State, args: string): ProcessState | undefined =>
  processesOf(state).find((one) => one.state !== 'Z' && one.args.join(' ') === args);
function isIn(state: State, args: string, controller: Controller, path: string): boolean {
  const process = runs(state, args);
  return process !== undefined && cgroupIn(process, isV2 ? '' : controller) === path;
}

const appears =
  (controller: Controller, path: string) =>
  (event: TimelineEvent): boolean =>
    event.type === 'cgroup.appear' && event.cgroup.key === keyOf(controller, path);
const vanishes =
  (controller: Controller, path: string) =>
  (event: TimelineEvent): boolean =>
    event.type === 'cgroup.vanish' && event.key === keyOf(controller, path);
const writes =
  (controller: Controller, path: string) =>
  (event: TimelineEvent): boolean =>
    event.type === 'cgroup.change' && event.key === keyOf(controller, path);
/** Made and written on one line: the first look at the group may have found both. */
const madeOrWritten =
  (controller: Controller, path: string) =>
  (event: TimelineEvent): boolean =>
    appears(controller, path)(event) || writes(controller, path)(event);
const counts =
  (controller: Controller, path: string) =>
  (event: TimelineEvent): boolean =>
    event.type === 'cgroup.sample' && keyOf(controller, path) in event.meters;
/** A process came into a group: by a move, or by being born there. */
const comes =
  (args: string, controller: Controller, path: string) =>
  (event: TimelineEvent, state: State): boolean =>
    (event.type === 'process.change' || event.type === 'process.fork') &&
    isIn(state, args, controller, path);

const FILE = isV2
  ? { memory: 'memory.max', weight: 'cpu.weight', freeze: 'cgroup.freeze' }
  : { memory: 'memory.limit_in_bytes', weight: 'cpu.shares', freeze: 'freezer.state' };
const quota = isV2
  ? 'echo "20000 100000" > $C/slow/cpu.max'
  : 'echo 20000 > $C/slow/cpu.cfs_quota_us';
const [frozen, thawed] = isV2 ? ['1', '0'] : ['FROZEN', 'THAWED'];

seeChanges({
  view: 'Cgroups',
  prepare: [PLACES, HOME, 'set +m'],
  changes: [
    {
      does: 'makes a group',
      line: 'mkdir $P/crate',
      event: appears('pids', '/crate'),
      state: (state) => groupOf(state, 'pids', '/crate') !== undefined,
      row: /^crate/,
    },
    {
      does: 'makes a group in it',
      line: 'mkdir $P/crate/inner',
      event: appears('pids', '/crate/inner'),
      state: (state) => groupOf(state, 'pids', '/crate/inner') !== undefined,
      row: /^inner/,
    },
    {
      does: 'limits its processes',
      line: 'echo 7 > $P/crate/pids.max',
      event: writes('pids', '/crate'),
      state: (state) => groupOf(state, 'pids', '/crate')?.files['pids.max'] === '7',
      row: /^crate.*0 \/ 7/,
    },
    {
      does: 'moves a process into it',
      line: 'sleep 1001 & echo $! > $P/crate/cgroup.procs',
      event: comes('sleep 1001', 'pids', '/crate'),
      state: (state) => isIn(state, 'sleep 1001', 'pids', '/crate'),
      row: /^sleep.*1001, in \/crate/,
    },
    {
      does: 'counts it',
      line: 'cat $P/crate/pids.current',
      event: () => true,
      state: (state) => number(state, 'pids', '/crate', 'pids.current') === 1,
      row: /^crate.*1 \/ 7/,
    },
    {
      does: 'starts another that is born there',
      line: "sh -c 'echo 0 > $0/crate/cgroup.procs; sleep 1002; true' $P &",
      event: comes('sleep 1002', 'pids', '/crate'),
      state: (state) => isIn(state, 'sleep 1002', 'pids', '/crate'),
      row: /^sleep.*1002, in \/crate/,
    },
    {
      does: 'counts shell and child as well',
      line: 'cat $P/crate/pids.current',
      event: () => true,
      state: (state) => number(state, 'pids', '/crate', 'pids.current') === 3,
      row: /^crate.*3 \/ 7/,
    },
    {
      does: 'moves the first one on',
      line: 'echo $(pgrep -f "sleep 1001") > $P/crate/inner/cgroup.procs',
      event: comes('sleep 1001', 'pids', '/crate/inner'),
      state: (state) => isIn(state, 'sleep 1001', 'pids', '/crate/inner'),
      row: /^sleep.*1001, in \/crate\/inner/,
      noRow: /^sleep.*1001, in \/crate(?!\/)/,
    },
    {
      does: 'moves it back to where it began',
      line: 'echo $(pgrep -f "sleep 1001") > $P$H/cgroup.procs',
      event: (event, state) =>
        event.type === 'process.change' && !isIn(state, 'sleep 1001', 'pids', '/crate/inner'),
      state: (state) => !isIn(state, 'sleep 1001', 'pids', '/crate/inner'),
      noRow: /^sleep.*1001, in \/crate/,
    },
    {
      does: 'removes the inner group',
      line: 'rmdir $P/crate/inner',
      event: vanishes('pids', '/crate/inner'),
      state: (state) => groupOf(state, 'pids', '/crate/inner') === undefined,
      noRow: /^inner/,
    },
    {
      does: 'limits the memory of another group',
      line: `mkdir $M/mem; echo 50M > $M/mem/${FILE.memory}`,
      event: appears('memory', '/mem'),
      state: (state) => number(state, 'memory', '/mem', 'memory.limit') === 50 * 1024 * 1024,
      row: /^mem.*\/ 50 MiB/,
    },
    {
      does: 'fills it',
      line: "sh -c 'echo 0 > $0/mem/cgroup.procs; head -c 20M /dev/zero > /tmp/blob' $M",
      event: counts('memory', '/mem'),
      state: (state) => (number(state, 'memory', '/mem', 'memory.current') ?? 0) > 20_000_000,
      row: /^mem.*2\d MiB \/ 50 MiB/,
    },
    {
      does: 'empties it',
      line: 'rm /tmp/blob',
      event: counts('memory', '/mem'),
      state: (state) => (number(state, 'memory', '/mem', 'memory.current') ?? 1e9) < 10_000_000,
      noRow: /^mem.*2\d MiB \/ 50 MiB/,
    },
    {
      does: 'uses more than there is: the OOM killer comes',
      line: "sh -c 'echo 0 > $0/mem/cgroup.procs; exec tail /dev/zero' $M",
      event: (event) => event.type === 'cgroup.oom' && event.key === keyOf('memory', '/mem'),
      state: (state) => groupOf(state, 'memory', '/mem')?.lastOom !== undefined,
      row: /^memOOM killed tail/,
    },
    {
      does: 'gives a group a fifth of a processor',
      line: `mkdir -p $C/slow ${isV2 ? '' : '/sys/fs/cgroup/cpuacct/slow'}; ${quota}`,
      event: madeOrWritten('cpu', '/slow'),
      state: (state) => number(state, 'cpu', '/slow', 'cpu.quota') === 20_000,
      row: /^slow.* \/ 0\.2/,
    },
    {
      does: 'weighs it',
      line: `echo 50 > $C/slow/${FILE.weight}`,
      event: writes('cpu', '/slow'),
      state: (state) => groupOf(state, 'cpu', '/slow')?.files[FILE.weight] === '50',
      row: /^slow/,
    },
    {
      does: 'lets it want more, and be held back',
      line: "sh -c 'echo 0 > $0/slow/cgroup.procs; while :; do :; done' $C & B=$!",
      event: counts('cpu', '/slow'),
      state: (state) => (number(state, 'cpu', '/slow', 'cpu.throttledPeriods') ?? 0) > 3,
      row: /^slow.*held \d+ %/,
    },
    {
      does: 'ends that, and it rests',
      line: 'kill $B; wait $B',
      event: (event) => event.type === 'process.exit',
      state: (state) => processesOf(state).every((one) => !one.args.join(' ').includes('while :')),
      noRow: /^slow.*held \d+ %/,
    },
    {
      does: 'freezes a group',
      line: `mkdir $F/cold; echo $(pgrep -f "sleep 1001") > $F/cold/cgroup.procs; echo ${frozen} > $F/cold/${FILE.freeze}`,
      event: madeOrWritten('freezer', '/cold'),
      state: (state) => groupOf(state, 'freezer', '/cold')?.files[FILE.freeze] === frozen,
      row: /^coldfrozen/,
    },
    {
      does: 'thaws it',
      line: `echo ${thawed} > $F/cold/${FILE.freeze}`,
      event: writes('freezer', '/cold'),
      state: (state) => groupOf(state, 'freezer', '/cold')?.files[FILE.freeze] === thawed,
      noRow: /^coldfrozen/,
    },
    {
      does: 'removes what has members, and is refused; then what has none',
      line: 'rmdir $F/cold; pkill -f "sleep 100"; until rmdir $F/cold $P/crate; do sleep 0.1; done',
      event: vanishes('pids', '/crate'),
      state: (state) =>
        groupOf(state, 'freezer', '/cold') === undefined &&
        groupOf(state, 'pids', '/crate') === undefined,
      noRow: /^c(old|rate)/,
    },
    {
      does: 'makes a group with a name that no program would choose',
      line: "mkdir $P'/odd name: 100%.max'",
      event: appears('pids', '/odd name: 100%.max'),
      state: (state) => groupOf(state, 'pids', '/odd name: 100%.max') !== undefined,
      row: 'odd name: 100%.max',
    },
  ],
});
