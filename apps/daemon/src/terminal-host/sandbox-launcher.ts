/**
 * Starts shells inside sandboxes: the engine says how (a plan), the resident player does it.
 *
 * Run by the terminal host: host root. The player is its child and the shells are the player's
 * children, so that it hears of their ends. Should the player die, the shells live on: they are
 * then watched through /proc, and the next shell gets a new player.
 */

import { type ExecTarget, execInSandbox, startTimeOf } from '@terrarium/engine';
import { ResidentPlayer } from '@terrarium/syscall';
import type { RunningShell, ShellLauncher, ShellRequest } from './launcher.js';

/** How often shells without a player are looked at, ms. */
const WATCH_MS = 500;

/** @see ShellLauncher */
export class SandboxLauncher implements ShellLauncher {
  #player: Promise<ResidentPlayer>;
  /** begins to watch a shell that the present player started */
  readonly #orphaned = new Set<() => void>();
  readonly #onPlayerEnd: (error: Error) => void;

  private constructor(onPlayerEnd: (error: Error) => void) {
    this.#onPlayerEnd = onPlayerEnd;
    this.#player = this.#startPlayer();
  }

  /** @throws Error when the player cannot start */
  static async start(onPlayerEnd: (error: Error) => void): Promise<SandboxLauncher> {
    const launcher = new SandboxLauncher(onPlayerEnd);
    await launcher.#player;
    return launcher;
  }

  async launch(request: ShellRequest): Promise<RunningShell> {
    const { sandbox, args, env, cwd, slaveFd } = request;
    const player = await this.#player;
    const { hostPid, exited } = await execInSandbox(player, sandbox.exec as ExecTarget, {
      args,
      env,
      ...(cwd === undefined ? {} : { cwd }),
      terminal: { ownerPid: process.pid, slaveFd },
    });
    const startTime = startTimeOf(hostPid);
    return {
      hostPid,
      exited: this.#reportedOrGone(exited, hostPid, startTime),
      kill: () => {
        if (startTime !== null && startTimeOf(hostPid) === startTime) killQuietly(hostPid);
      },
    };
  }

  async close(): Promise<void> {
    await (await this.#player).close();
  }

  /** Of a shell whose player died before it, nobody knows the status: then it is 0. */
  #reportedOrGone(
    reported: Promise<number>,
    hostPid: number,
    startTime: number | null,
  ): Promise<number> {
    return new Promise((resolve) => {
      const watch = (): void => {
        const timer = setInterval(() => {
          if (startTime !== null && startTimeOf(hostPid) === startTime) return;
          clearInterval(timer);
          resolve(0);
        }, WATCH_MS);
      };
      this.#orphaned.add(watch);
      void reported.then((status) => {
        this.#orphaned.delete(watch);
        resolve(status);
      });
    });
  }

  #startPlayer(): Promise<ResidentPlayer> {
    const player = ResidentPlayer.start({
      onEnd: (error) => {
        this.#onPlayerEnd(error);
        for (const watch of this.#orphaned) watch();
        this.#orphaned.clear();
        this.#player = this.#startPlayer();
      },
    });
    player.catch(() => {}); // reported by onEnd, and by the next launch
    return player;
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: it ended meanwhile
  }
}
