/**
 * Lines of a tracefs `trace_pipe` (with the options record-tgid and the event set of
 * trace-source.ts) as typed events. Pure text; knows nothing of sandboxes.
 *
 * Samples, Linux 6.18 (`TASK-TID (TGID) [CPU] flags seconds-since-boot: event`):
 *
 *     bash-22885   (  22885) [000] .....  1732.421483: task_newtask: pid=22890 comm=bash clone_flags=1200000 oom_score_adj=0
 *     bash-22885   (  22885) [000] .....  1732.422666: sys_clone -> 0x596a
 *     <...>-22907  (-------) [001] .....  1732.741840: task_rename: pid=22907 oldcomm=bash newcomm=mkdir oom_score_adj=0
 *     cat-22890    (  22890) [000] .....  1732.423116: sched_process_exec: filename=/usr/bin/cat pid=22890 old_pid=22890
 *     cat-22890    (  22890) [000] .....  1732.423996: sched_process_exit: comm=cat pid=22890 prio=120 group_dead=true
 *     bash-22896   (  22896) [000] d..1.  1732.748137: cgroup_attach_task: dst_root=8 dst_id=8 dst_level=1 dst_path=/cprobe pid=22896 comm=bash
 *     CPU:1 [LOST 1234 EVENTS]
 *
 * A task's name is the learner's: it may hold spaces, `=`, `: ` and newlines, at most 15 bytes. So
 * the match does not begin at the line's start (a newline in the name cuts the line before the
 * number), and 15 bytes are too few to forge the rest. The exec file name is longer, hence the
 * source asks the kernel to drop exec events whose file name has a newline.
 */

interface At {
  /** thread that was running; for all but fork and attach also the one that it is about */
  readonly tid: number;
  /** its process, where the kernel still knew */
  readonly tgid: number | null;
  /** seconds since boot (CLOCK_BOOTTIME) */
  readonly seconds: number;
}

/** One line, reduced to what the observer acts on. */
export type TraceEvent =
  | (At & {
      readonly kind: 'fork';
      readonly child: number;
      /** CLONE_… bits; null where an odd name made the line unreadable */
      readonly flags: number | null;
    })
  /** how the fork looked to the parent: the child's pid in the parent's pid namespace */
  | (At & { readonly kind: 'forked'; readonly pid: number })
  | (At & { readonly kind: 'exec'; readonly file: string })
  /** a thread ended; whether it was the last of its process is known since Linux 6.16 */
  | (At & { readonly kind: 'exit'; readonly groupDead: boolean | null })
  | (At & { readonly kind: 'rename'; readonly comm: string | null })
  | (At & {
      readonly kind: 'attach';
      readonly pid: number;
      readonly hierarchy: number;
      readonly path: string;
    })
  /** a system call that succeeded: unshare, setns, mount, … (man page name) */
  | (At & { readonly kind: 'call'; readonly name: string })
  | { readonly kind: 'lost'; readonly count: number };

const LINE =
  /-(\d+) +\( *(\d+|-+)\) \[\d+\] [^ ]{4,6} +(\d+\.\d+): (?:(\w+): (.*)|sys_(\w+) -> 0x([0-9a-f]+))$/;
const LOST = /^CPU:\d+ \[LOST (\d+) EVENTS\]$/;
const FORK_CALLS = new Set(['clone', 'clone3', 'fork', 'vfork']);

/** Parses one line without its newline; null for a fragment or an event of no interest. */
export function parseTraceLine(line: string): TraceEvent | null {
  const found = LINE.exec(line);
  if (found === null) {
    const lost = LOST.exec(line);
    return lost === null ? null : { kind: 'lost', count: Number(lost[1]) };
  }
  const at: At = {
    tid: Number(found[1]),
    tgid: found[2]?.startsWith('-') ? null : Number(found[2]),
    seconds: Number(found[3]),
  };
  if (found[6] !== undefined) return callEvent(at, found[6], Number.parseInt(found[7] ?? '0', 16));
  return namedEvent(at, found[4] ?? '', found[5] ?? '');
}

function callEvent(at: At, name: string, result: number): TraceEvent {
  if (FORK_CALLS.has(name)) return { ...at, kind: 'forked', pid: result };
  return { ...at, kind: 'call', name };
}

function namedEvent(at: At, name: string, fields: string): TraceEvent | null {
  // Searches instead of expressions: this runs 5 times for every command of every learner.
  switch (name) {
    case 'task_newtask': {
      const child = Number.parseInt(fields.slice('pid='.length), 10);
      const flags = Number.parseInt(between(fields, ' clone_flags=', ' oom_score_adj=') ?? '', 16);
      if (Number.isNaN(child)) return null;
      return { ...at, kind: 'fork', child, flags: Number.isNaN(flags) ? null : flags };
    }
    case 'sched_process_exec': {
      const end = fields.lastIndexOf(' pid=');
      return end < 0 ? null : { ...at, kind: 'exec', file: fields.slice('filename='.length, end) };
    }
    case 'sched_process_exit': {
      const dead = fields.slice(fields.lastIndexOf(' ') + 1);
      const known = dead.startsWith('group_dead=');
      return { ...at, kind: 'exit', groupDead: known ? dead === 'group_dead=true' : null };
    }
    case 'task_rename':
      return { ...at, kind: 'rename', comm: between(fields, ' newcomm=', ' oom_score_adj=') };
    case 'cgroup_attach_task': {
      // A cgroup's name cannot have a newline, but spaces and `=`: the task's name comes last.
      const to = /^dst_root=(\d+) dst_id=\d+ dst_level=\d+ dst_path=(.*) pid=(\d+) comm=/.exec(
        fields,
      );
      if (to === null) return null;
      const [, hierarchy, path = '/', pid] = to;
      return { ...at, kind: 'attach', hierarchy: Number(hierarchy), path, pid: Number(pid) };
    }
    default:
      return null;
  }
}

/** What stands between the last `left` and the `right` after it; null where one is missing. */
function between(text: string, left: string, right: string): string | null {
  const end = text.lastIndexOf(right);
  const start = text.lastIndexOf(left, end);
  return start < 0 || end < start ? null : text.slice(start + left.length, end);
}
