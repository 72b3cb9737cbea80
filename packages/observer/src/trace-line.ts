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
 *     sh-22901     (  22901) [001] .....  1732.430662: sys_exit_group(error_code: 7)
 *     bash-22885   (  22885) [001] d..1.  1732.431280: signal_generate: sig=15 errno=0 code=0 comm=sleep pid=22902 grp=1 res=0
 *     sleep-22902  (  22902) [001] d..1.  1732.431342: signal_deliver: sig=15 errno=0 code=0 sa_handler=0 sa_flags=0
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
      /** the child's pid as its parent sees it; in another line, see fork-pairs.ts */
      readonly visiblePid: number | null;
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
  /** a cgroup was made or removed by the running thread; path from the hierarchy's root */
  | (At & {
      readonly kind: 'cgroup';
      readonly what: 'mkdir' | 'rmdir';
      readonly hierarchy: number;
      readonly path: string;
    })
  /** the OOM killer chose this process */
  | (At & { readonly kind: 'oom'; readonly pid: number })
  /** a system call that succeeded: unshare, setns, mount, … (man page name) */
  | (At & { readonly kind: 'call'; readonly name: string })
  /** a system call was entered, or it failed: told only of those that change mounts */
  | (At & { readonly kind: 'entered' | 'refused'; readonly name: string })
  /** a word that was written to the instance's trace_marker */
  | (At & { readonly kind: 'mark'; readonly word: string })
  /** the running thread sent a signal to this one; code as in siginfo: 0 is kill(2), 128 the kernel */
  | (At & {
      readonly kind: 'signal';
      readonly target: number;
      readonly signal: number;
      readonly code: number;
    })
  /** the running thread takes a signal: by a handler of its own, or the default action */
  | (At & { readonly kind: 'delivery'; readonly signal: number; readonly handled: boolean })
  /** exit_group, or the thread's own exit, with another argument than 0 */
  | (At & { readonly kind: 'exiting'; readonly code: number; readonly group: boolean })
  | { readonly kind: 'lost'; readonly count: number };

const LINE =
  /-(\d+) +\( *(\d+|-+)\) \[\d+\] [^ ]{4,6} +(\d+\.\d+): (?:(\w+): (.*)|sys_(\w+) -> 0x([0-9a-f]+)|sys_(\w+)\((.*)\))$/;
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
  if (found[8] !== undefined) return enterEvent(at, found[8], found[9] ?? '');
  return namedEvent(at, found[4] ?? '', found[5] ?? '');
}

/** Results from here on are -errno as an unsigned number. */
const NEGATIVE = 2 ** 63;

function callEvent(at: At, name: string, result: number): TraceEvent {
  if (FORK_CALLS.has(name)) return { ...at, kind: 'forked', pid: result };
  if (result >= NEGATIVE) return { ...at, kind: 'refused', name };
  return { ...at, kind: 'call', name };
}

/** A call that was entered: `error_code: 7`, hexadecimal without 0x. prctl counts as done. */
function enterEvent(at: At, name: string, args: string): TraceEvent | null {
  if (name === 'prctl') return { ...at, kind: 'call', name };
  if (name !== 'exit_group' && name !== 'exit') return { ...at, kind: 'entered', name };
  const code = Number.parseInt(args.slice('error_code: '.length), 16);
  if (Number.isNaN(code)) return null;
  return { ...at, kind: 'exiting', code: code & 0xff, group: name === 'exit_group' };
}

function namedEvent(at: At, name: string, fields: string): TraceEvent | null {
  // Searches instead of expressions: this runs 5 times for every command of every learner.
  switch (name) {
    case 'task_newtask': {
      const child = Number.parseInt(fields.slice('pid='.length), 10);
      const flags = Number.parseInt(between(fields, ' clone_flags=', ' oom_score_adj=') ?? '', 16);
      if (Number.isNaN(child)) return null;
      const known = Number.isNaN(flags) ? null : flags;
      return { ...at, kind: 'fork', child, flags: known, visiblePid: null };
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
    case 'cgroup_mkdir':
    case 'cgroup_rmdir': {
      const what = name === 'cgroup_mkdir' ? 'mkdir' : 'rmdir';
      const where = /^root=(\d+) id=\d+ level=\d+ path=(.*)$/.exec(fields);
      if (where === null) return null;
      return { ...at, kind: 'cgroup', what, hierarchy: Number(where[1]), path: where[2] ?? '/' };
    }
    case 'mark_victim': {
      const pid = Number.parseInt(fields.slice('pid='.length), 10);
      return Number.isNaN(pid) ? null : { ...at, kind: 'oom', pid };
    }
    case 'oom_score_adj_update': {
      const tid = Number.parseInt(fields.slice('pid='.length), 10);
      return Number.isNaN(tid) ? null : { ...at, tid, tgid: null, kind: 'call', name };
    }
    case 'tracing_mark_write':
      return { ...at, kind: 'mark', word: fields };
    case 'signal_generate': {
      const to = / pid=(\d+) grp=\d+ res=\d+$/.exec(fields);
      const what = /^sig=(\d+) errno=-?\d+ code=(-?\d+) /.exec(fields);
      if (to === null || what === null) return null;
      const [signal, code] = [Number(what[1]), Number(what[2])];
      return { ...at, kind: 'signal', target: Number(to[1]), signal, code };
    }
    case 'signal_deliver': {
      const what = /^sig=(\d+) .* sa_handler=([0-9a-f]+) /.exec(fields);
      if (what === null) return null;
      return { ...at, kind: 'delivery', signal: Number(what[1]), handled: what[2] !== '0' };
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
