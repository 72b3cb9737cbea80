import { describe, expect, it } from 'vitest';
import { parseTraceLine } from './trace-line.js';

/** Lines as Linux 6.18 wrote them into a trace_pipe. */
const at = { tid: 22885, tgid: 22885, seconds: 1732.421483 };

describe('parseTraceLine', () => {
  it('reads a fork with its flags', () => {
    const line =
      '            bash-22885   (  22885) [000] .....  1732.421483: task_newtask: pid=22890 comm=bash clone_flags=1200000 oom_score_adj=0';
    expect(parseTraceLine(line)).toEqual({
      ...at,
      kind: 'fork',
      child: 22890,
      flags: 0x120_0000,
      visiblePid: null,
    });
  });

  it("reads the fork's result and other system calls that succeeded", () => {
    const prefix = '            bash-22885   (  22885) [000] .N...  1732.421483: ';
    expect(parseTraceLine(`${prefix}sys_clone -> 0x596a`)).toEqual({
      ...at,
      kind: 'forked',
      pid: 0x596a,
    });
    expect(parseTraceLine(`${prefix}sys_unshare -> 0x0`)).toEqual({
      ...at,
      kind: 'call',
      name: 'unshare',
    });
  });

  it('tells a mount call that begins, succeeds and fails apart, and reads a word of ours', () => {
    const prefix = '           mount-22885   (  22885) [000] .....  1732.421483: ';
    const entered = 'sys_mount(dev_name: 5566, dir_name: 77, type: 88, flags: c0ed0000, data: 0)';
    expect(parseTraceLine(prefix + entered)).toEqual({ ...at, kind: 'entered', name: 'mount' });
    expect(parseTraceLine(`${prefix}sys_mount -> 0x0`)).toMatchObject({ kind: 'call' });
    expect(parseTraceLine(`${prefix}sys_mount -> 0xfffffffffffffff0`)).toEqual({
      ...at,
      kind: 'refused',
      name: 'mount',
    });
    const prctl = 'sys_prctl(option: 26, arg2: 1, arg3: 0, arg4: 0, arg5: 0)';
    expect(parseTraceLine(prefix + prctl)).toMatchObject({ kind: 'call', name: 'prctl' });
    expect(parseTraceLine(`${prefix}tracing_mark_write: barrier-7`)).toEqual({
      ...at,
      kind: 'mark',
      word: 'barrier-7',
    });
  });

  it('reads rename, exec and exit, and a thread group that the kernel forgot', () => {
    const rename =
      '           <...>-22907   (-------) [001] .....  1732.741840: task_rename: pid=22907 oldcomm=bash newcomm=mkdir oom_score_adj=-500';
    expect(parseTraceLine(rename)).toMatchObject({
      kind: 'rename',
      tid: 22907,
      tgid: null,
      comm: 'mkdir',
    });
    const exec =
      '             cat-22890   (  22890) [000] .....  1732.423116: sched_process_exec: filename=/usr/bin/cat pid=22890 old_pid=22890';
    expect(parseTraceLine(exec)).toMatchObject({ kind: 'exec', file: '/usr/bin/cat' });
    const exit =
      '             cat-22890   (  22890) [000] .....  1732.423996: sched_process_exit: comm=cat pid=22890 prio=120 group_dead=true';
    expect(parseTraceLine(exit)).toMatchObject({ kind: 'exit', tid: 22890, groupDead: true });
    expect(parseTraceLine(exit.replace('=true', '=false'))).toMatchObject({ groupDead: false });
    // Linux 6.1 does not say.
    expect(parseTraceLine(exit.replace(' group_dead=true', ''))).toMatchObject({ groupDead: null });
  });

  it('reads a move to a cgroup, whose name may hold spaces', () => {
    const line =
      '            bash-22896   (  22896) [000] d..1.  1732.748294: cgroup_attach_task: dst_root=8 dst_id=17 dst_level=2 dst_path=/c probe/a pid=1 pid=22896 comm=bash';
    expect(parseTraceLine(line)).toMatchObject({
      kind: 'attach',
      hierarchy: 8,
      path: '/c probe/a pid=1',
      pid: 22896,
    });
  });

  it('reads file names with spaces and equals signs', () => {
    const line =
      '           x y=z-22913   (  22913) [001] .....  1732.759138: sched_process_exec: filename=/tmp/x y=z pid=1 pid=22913 old_pid=22913';
    expect(parseTraceLine(line)).toMatchObject({ tid: 22913, file: '/tmp/x y=z pid=1' });
  });

  it('reads the second half of a line that a newline in the name cut, and skips the first', () => {
    expect(parseTraceLine('             a')).toBeNull();
    expect(
      parseTraceLine(
        'c=d-22919   (  22919) [000] .....  1733.203837: task_newtask: pid=22962 comm=a b',
      ),
    ).toMatchObject({ kind: 'fork', tid: 22919, child: 22962, flags: null });
    expect(parseTraceLine('c=d clone_flags=4100 oom_score_adj=0')).toBeNull();
    expect(
      parseTraceLine('c-22919   (  22919) [001] .....  1733.264864: sched_process_exit: comm=a b'),
    ).toMatchObject({ kind: 'exit', tid: 22919, groupDead: null });
  });

  it('takes the first place on a line: what a file name imitates stands behind it', () => {
    const forged = 'x-1   (  1) [000] .....  1.000000: sched_process_exit: comm=x pid=1 prio=120';
    const line = `            sh-22913   (  22913) [001] .....  1732.759138: sched_process_exec: filename=/tmp/${forged} pid=22913 old_pid=22913`;
    expect(parseTraceLine(line)).toMatchObject({ kind: 'exec', tid: 22913 });
  });

  it('reads how many events were lost', () => {
    expect(parseTraceLine('CPU:1 [LOST 1234 EVENTS]')).toEqual({ kind: 'lost', count: 1234 });
  });

  it('skips comments, empty lines and events of no interest', () => {
    for (const line of ['', '# tracer: nop', '  x-1 ( 1) [000] .....  1.0: other_event: a=b']) {
      expect(parseTraceLine(line)).toBeNull();
    }
  });
});
