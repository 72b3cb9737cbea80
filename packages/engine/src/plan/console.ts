/**
 * The console of a container: a pty of the container's own devpts, made by init itself, so that
 * `tty` names it inside. The runtime takes the master from init's fd table while init waits for
 * start; the slave becomes the controlling terminal and is bound on /dev/console by its fd
 * (CVE-2025-52565: by its path, a container that races could have another file made writable).
 *
 * Who runs them: init, after pivot_root, leading a session of its own.
 */
import type { ProcessConfig } from '@terrarium/spec';
import {
  ERRNO,
  flagged,
  MOVE_MOUNT,
  O,
  S,
  type Slot,
  shown,
  struct,
  TIOC,
} from '@terrarium/syscall';
import { cloneFlags } from './mount-calls.js';
import { FDCWD, octal, purpose, type Script } from './script.js';

/** What `makeConsole` leaves for `takeConsole`. */
export interface ConsoleRegisters {
  readonly master: Slot;
  readonly slave: Slot;
}

/** Opens a new pty of /dev/pts, sets its size, and shows it as /dev/console. */
export function makeConsole(script: Script, process: ProcessConfig): ConsoleRegisters {
  const console = openConsole(script, process);
  bindConsole(script, console.slave);
  return console;
}

/** The same without /dev/console, which is the first process's: for an exec. */
export function openConsole(
  script: Script,
  { consoleSize }: Pick<ProcessConfig, 'consoleSize'>,
): ConsoleRegisters {
  const [master, slave] = [script.builder.slot('master'), script.builder.slot('slave')];
  const why = purpose(
    'console',
    'a new terminal of the container’s own /dev/pts',
    '容器自己的 /dev/pts 中的新终端',
  );
  script.call(
    'openat',
    [FDCWD, '/dev/pts/ptmx', flagged(O, 'O_RDWR', 'O_NOCTTY', 'O_CLOEXEC')],
    purpose(
      'console-master',
      'the terminal’s other end: the runtime takes it from here',
      '终端的另一端：运行时将从这里取走它',
    ),
    { store: master },
  );
  script.call('ioctl', [master, flagged(TIOC, 'TIOCSPTLCK'), struct([[0, 4]])], why, {
    display: 'ioctl(<master>, TIOCSPTLCK, [0])',
  });
  const flags = flagged(O, 'O_RDWR', 'O_NOCTTY', 'O_CLOEXEC');
  script.call('ioctl', [master, flagged(TIOC, 'TIOCGPTPEER'), flags], why, { store: slave });
  if (consoleSize !== undefined) {
    const { height, width } = consoleSize;
    const size = struct([
      [height, 2],
      [width, 2],
      [0, 4],
    ]);
    script.call('ioctl', [slave, flagged(TIOC, 'TIOCSWINSZ'), size], why, {
      display: `ioctl(<slave>, TIOCSWINSZ, {ws_row=${height}, ws_col=${width}})`,
    });
  }
  return { master, slave };
}

/** /dev/console is the terminal, by fd on both sides. */
function bindConsole(script: Script, slave: Slot): void {
  const why = purpose(
    'bind-console',
    'show the terminal as /dev/console too',
    '让终端也显示为 /dev/console',
  );
  const [dev, tree, target] = ['dev', 'consoleTree', 'consoleTarget'].map((name) =>
    script.builder.slot(name),
  ) as [Slot, Slot, Slot];
  const open = (...names: (keyof typeof O & string)[]) => flagged(O, ...names);
  script.call('openat', [FDCWD, '/dev', open('O_PATH', 'O_DIRECTORY', 'O_CLOEXEC')], why, {
    store: dev,
  });
  const mode = { value: BigInt(S.S_IFREG | 0o600), display: `S_IFREG|${octal(0o600).display}` };
  script.call('mknodat', [dev, 'console', mode, 0], why, { tolerate: [ERRNO.EEXIST] });
  script.call('openat', [dev, 'console', open('O_PATH', 'O_NOFOLLOW', 'O_CLOEXEC')], why, {
    store: target,
  });
  script.call('open_tree', [slave, '', cloneFlags(false, true)], why, { store: tree });
  const both = flagged(MOVE_MOUNT, 'MOVE_MOUNT_F_EMPTY_PATH', 'MOVE_MOUNT_T_EMPTY_PATH');
  script.call('move_mount', [tree, '', target, '', both], why);
  for (const slot of [tree, target, dev]) script.call('close', [slot], why);
}

/** Makes it the controlling terminal and all three standard files; after setsid(2). */
export function takeConsole(script: Script, { slave }: ConsoleRegisters): void {
  script.call(
    'ioctl',
    [slave, flagged(TIOC, 'TIOCSCTTY'), 0],
    purpose(
      'controlling-terminal',
      'make the pty the controlling terminal, so that Ctrl-C reaches us',
      '把这个 pty 设为控制终端，这样 Ctrl-C 才能送达',
    ),
  );
  const why = purpose(
    'standard-files',
    'standard input, output and error',
    '标准输入、标准输出和标准错误',
  );
  for (const fd of [0, 1, 2]) script.call('dup3', [slave, fd, shown(0, '0')], why);
}
