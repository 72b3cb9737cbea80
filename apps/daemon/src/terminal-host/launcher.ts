/**
 * How a shell comes to run on a pty's slave. The real one asks the resident player to enter the
 * sandbox (sandbox-launcher.ts); the one here starts a plain process of the host, for tests and
 * the bench.
 */

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { RegisteredSandbox } from './sandboxes.js';

export interface ShellRequest {
  readonly sandbox: RegisteredSandbox;
  /** open in this process; becomes the controlling terminal and the three standard streams */
  readonly slaveFd: number;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** undefined: the user's home */
  readonly cwd: string | undefined;
}

export interface RunningShell {
  readonly hostPid: number;
  /** status as of wait(2); never rejects */
  readonly exited: Promise<number>;
  /** SIGKILL; does nothing once it has exited */
  kill(): void;
}

export interface ShellLauncher {
  /** @throws when the shell could not be executed */
  launch(request: ShellRequest): Promise<RunningShell>;
  /** Ends the launcher; shells live on. */
  close(): Promise<void>;
}

/** Runs shells as children of this process, outside of any sandbox. */
export class HostLauncher implements ShellLauncher {
  launch(request: ShellRequest): Promise<RunningShell> {
    const { slaveFd } = request;
    // setsid -c: a session of its own, with standard input as its controlling terminal.
    const child = spawn('setsid', ['-c', ...request.args], {
      stdio: [slaveFd, slaveFd, slaveFd],
      env: { ...request.env },
      cwd: request.cwd ?? '/',
    });
    const exited = new Promise<number>((resolve) => {
      child.on('exit', (code, signal) =>
        resolve(signal === null ? (code ?? 0) << 8 : constants.signals[signal]),
      );
    });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('spawn', () => {
        resolve({ hostPid: child.pid!, exited, kill: () => void child.kill('SIGKILL') });
      });
    });
  }

  async close(): Promise<void> {}
}
