/** Processes, from the terminal to the tree on the page: twenty things that a learner does. */

import {
  type ProcessState,
  processesOf,
  type State,
  type TimelineEvent,
} from '../../packages/timeline/src/index.js';
import type { Change } from './support/see.js';
import { seeChanges } from './support/see.js';

const all = (state: State, comm: string): readonly ProcessState[] =>
  processesOf(state).filter((process) => process.comm === comm);
const some = (
  state: State,
  comm: string,
  holds: (process: ProcessState) => boolean = () => true,
): boolean => all(state, comm).some(holds);
const withArg =
  (arg: string) =>
  (process: ProcessState): boolean =>
    process.args.includes(arg);

const execOf =
  (comm: string, arg?: string) =>
  (event: TimelineEvent): boolean =>
    event.type === 'process.exec' &&
    event.comm === comm &&
    (arg === undefined || event.args.includes(arg));
const change =
  (holds: (changed: Partial<ProcessState>) => boolean) =>
  (event: TimelineEvent): boolean =>
    event.type === 'process.change' && holds(event.change);
const exit =
  (waitStatus: number) =>
  (event: TimelineEvent): boolean =>
    event.type === 'process.exit' && event.waitStatus === waitStatus;

/** Something that begins, with a number of seconds that names it. */
function begins(does: string, line: string, seconds: string, more: Partial<Change> = {}): Change {
  return {
    does,
    line,
    event: execOf('sleep', seconds),
    state: (state) => some(state, 'sleep', withArg(seconds)),
    row: new RegExp(`sleep ?.*${seconds}`),
    ...more,
  };
}

seeChanges({
  view: 'Processes',
  changes: [
    begins('starts a program in the background', 'sleep 901 &', '901'),
    {
      does: 'ends it with a signal',
      line: 'kill %1; wait 2>/dev/null',
      event: (event) =>
        event.type === 'process.exit' && event.waitStatus === 15 && event.actor !== undefined,
      state: (state) => !some(state, 'sleep'),
      noRow: /sleep\s*901/,
    },
    begins('starts three at once', 'for i in 902 903 904; do sleep $i & done', '904', {
      state: (state) => all(state, 'sleep').length === 3,
    }),
    {
      does: 'ends all of a name',
      line: 'pkill sleep',
      event: exit(15),
      state: (state) => !some(state, 'sleep'),
      noRow: /sleep\s*904/,
    },
    {
      does: 'runs what ends at once, and fails',
      line: `sh -c 'exit 7'`,
      event: exit(7 << 8),
      state: (state) => !some(state, 'sh'),
    },
    {
      does: 'runs what ends at once, and succeeds',
      line: '/bin/true',
      event: exit(0),
      state: (state) => !some(state, 'true'),
    },
    begins('starts a child of a child', `sh -c 'sleep 905; :' &`, '905', {
      state: (state) =>
        some(state, 'sleep', (sleep) => state.processes[sleep.parent ?? '']?.comm === 'sh'),
    }),
    {
      does: 'makes an orphan',
      line: 'pkill -9 -x sh',
      event: change(({ parent }) => parent !== undefined),
      state: (state) => some(state, 'sleep', (sleep) => sleep.parent === state.sandbox?.init),
    },
    {
      does: 'stops it',
      line: 'pkill -STOP sleep',
      event: change(({ state }) => state === 'T'),
      state: (state) => some(state, 'sleep', (sleep) => sleep.state === 'T'),
      page: (tree) => tree.locator('[data-state="T"]').first().waitFor(),
    },
    {
      does: 'lets it go on',
      line: 'pkill -CONT sleep',
      event: change(({ state }) => state === 'S'),
      state: (state) => some(state, 'sleep', (sleep) => sleep.state === 'S'),
    },
    {
      does: 'ends it at once',
      line: 'pkill -9 sleep',
      event: exit(9),
      state: (state) => !some(state, 'sleep'),
      noRow: /sleep\s*905/,
    },
    {
      does: 'leaves a zombie',
      line: `perl -e 'if (!fork) { exit 3 } sleep 906' &`,
      // A child that ends within a millisecond may be a zombie already when it is first looked at.
      event: (event) =>
        (event.type === 'process.fork' && event.process.state === 'Z') ||
        change(({ state }) => state === 'Z')(event),
      state: (state) => some(state, 'perl', (perl) => perl.state === 'Z'),
      page: (tree) => tree.locator('[data-state="Z"]').first().waitFor(),
    },
    {
      does: 'has it reaped, by ending its parent',
      line: 'pkill -f 906',
      event: exit(3 << 8),
      state: (state) => !some(state, 'perl'),
      noRow: /sleep\s*906/,
    },
    begins('starts one in a session of its own', 'setsid sleep 907', '907', {
      state: (state) =>
        some(
          state,
          'sleep',
          (sleep) => sleep.terminal === null && sleep.processGroup === sleep.hostPid,
        ),
    }),
    begins('starts one in a pid namespace of its own', 'unshare --fork --pid sleep 908 &', '908', {
      state: (state) =>
        some(state, 'sleep', (sleep) => sleep.pids.length === 3 && sleep.pids[2] === 1),
      row: /→ \d+ → 1/,
    }),
    begins('starts one as another user', 'setpriv --reuid=1234 --clear-groups sleep 909 &', '909', {
      state: (state) => some(state, 'sleep', (sleep) => sleep.uid.inside === 1234),
      row: '1234',
    }),
    begins('starts one that may gain no rights', 'setpriv --no-new-privs sleep 910 &', '910', {
      state: (state) => some(state, 'sleep', (sleep) => sleep.facts?.noNewPrivs === true),
    }),
    begins('starts one in another directory', '(cd /usr/lib && exec sleep 911) &', '911', {
      state: (state) => some(state, 'sleep', (sleep) => sleep.facts?.cwd === '/usr/lib'),
    }),
    begins('starts one that has another name', 'bash -c "exec -a renamed sleep 912" &', '912', {
      state: (state) => some(state, 'sleep', (sleep) => sleep.args[0] === 'renamed'),
      row: 'renamed',
    }),
    {
      does: 'replaces its shell by another program, in a second shell',
      line: 'bash -c "exec sleep 913" &',
      event: execOf('sleep', '913'),
      state: (state) => some(state, 'sleep', withArg('913')),
      row: '913',
    },
    {
      does: 'ends all of it',
      line: 'pkill -9 sleep; wait 2>/dev/null',
      event: exit(9),
      state: (state) => !some(state, 'sleep'),
      noRow: /^sleep/,
    },
  ],
});
