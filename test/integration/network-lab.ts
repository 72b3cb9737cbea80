/**
 * Network namespaces for tests: each held by a sleeping process that a player plan made, so that
 * nothing of the host's own network is touched; and a program in each that serves and calls ports.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  type NetworkNamespace,
  networkPrimitive,
  probeNetwork,
  readNetwork,
} from '../../packages/engine/src/network/index.js';
import { buildPlayer } from '../../packages/syscall/native/build.mjs';
import {
  CLONE,
  CLONE_ARGS_BYTES,
  flagged,
  PlanBuilder,
  ResidentPlayer,
  SIGNALS,
  stringArray,
  struct,
} from '../../packages/syscall/src/index.js';

const purpose = { id: 'test', en: 'test', zh: '测试' };

/** Why the tests cannot run here; null when they can. */
export async function missing(): Promise<string | null> {
  if (process.getuid?.() !== 0) return 'root';
  if (!hasProgram('nsenter')) return 'nsenter';
  const player = await ResidentPlayer.start({ binary: buildPlayer() });
  const features = await probeNetwork(player);
  await player.close();
  return features.find(({ available }) => !available)?.name ?? null;
}

/** True when a program is on the PATH. */
export function hasProgram(name: string): boolean {
  const directories = (process.env['PATH'] ?? '').split(':');
  return directories.some((directory) => existsSync(join(directory, name)));
}

/** A network namespace that a process of ours holds. */
export class HeldNamespace {
  readonly pid: number;
  readonly netns: NetworkNamespace;
  readonly #player: ResidentPlayer;
  #agent: ChildProcess | null = null;
  #calls = 0;
  readonly #waiting = new Map<number, (result: string) => void>();

  private constructor(player: ResidentPlayer, pid: number) {
    this.#player = player;
    this.pid = pid;
    this.netns = { kind: 'pid', pid };
  }

  /** @param flags more namespaces for the same process */
  static async make(
    player: ResidentPlayer,
    flags: (keyof typeof CLONE)[] = [],
  ): Promise<HeldNamespace> {
    const builder = new PlanBuilder('hold a network namespace');
    const args = struct(
      [
        [flagged(CLONE, 'CLONE_NEWNET', 'CLONE_PARENT', ...flags), 8],
        [0, 8],
        [0, 8],
        [0, 8],
        [0, 8],
      ],
      CLONE_ARGS_BYTES,
    );
    builder.call('outside', {
      syscall: 'clone3',
      args: [args, CLONE_ARGS_BYTES],
      purpose,
      child: 'holder',
    });
    const argv = ['/bin/sleep', 'infinity'];
    builder.call('holder', {
      syscall: 'execve',
      args: [argv[0] ?? '', stringArray(argv), stringArray([])],
      purpose,
    });
    const { hostPids } = await player.run(builder.build()).done;
    const pid = hostPids['holder'] ?? 0;
    if (readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net'))
      throw new Error(`process ${pid} is in the host's network namespace`);
    return new HeldNamespace(player, pid);
  }

  /** The namespace of a process that somebody else ends. */
  static of(player: ResidentPlayer, pid: number): HeldNamespace {
    return new HeldNamespace(player, pid);
  }

  /** Does one thing alone. */
  async primitive(name: string, params: unknown): Promise<void> {
    await this.#player.run(networkPrimitive(name).plan(this.netns, params)).done;
  }

  /** Everything of the namespace, without what time and traffic change. */
  async dump(): Promise<unknown> {
    return comparable(await readNetwork(this.#player, this.netns));
  }

  /** Serves a port, on every address; who calls is told how it looks from here. */
  serve(protocol: 'tcp' | 'udp', port: number): Promise<string> {
    return this.#ask({ operation: 'serve', protocol, port });
  }

  /**
   * @param patience in milliseconds; long, where an answer is expected
   * @returns how the server sees us; `no answer`, or the errno's name
   */
  call(protocol: 'tcp' | 'udp', host: string, port: number, patience = 30_000): Promise<string> {
    return this.#ask({ operation: 'call', protocol, host, port, patience });
  }

  /** Ends the program that serves and calls. */
  async endAgent(): Promise<void> {
    if (this.#agent?.exitCode !== null) return;
    const ended = once(this.#agent, 'exit');
    this.#agent.stdin?.end();
    await ended;
  }

  /** Ends the processes, and with them the namespace. */
  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#player.onExit(this.pid, resolve));
    await this.endAgent();
    process.kill(this.pid, SIGNALS.SIGKILL);
    await ended;
  }

  async #ask(request: Record<string, unknown>): Promise<string> {
    const agent = this.#agent ?? this.#startAgent();
    const id = ++this.#calls;
    const answer = new Promise<string>((resolve) => this.#waiting.set(id, resolve));
    agent.stdin?.write(`${JSON.stringify({ id, ...request })}\n`);
    return await answer;
  }

  #startAgent(): ChildProcess {
    const script = join(import.meta.dirname, 'network-agent.mjs');
    const agent = spawn('nsenter', ['-n', '-t', String(this.pid), process.execPath, script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#agent = agent;
    if (agent.stdout === null) throw new Error('the agent has no standard output');
    createInterface({ input: agent.stdout }).on('line', (line) => {
      const { id, result } = JSON.parse(line) as { id: number; result: string };
      this.#waiting.get(id)?.(result);
    });
    return agent;
  }
}

/** Runs a program in a namespace and returns what it prints. */
export function inNamespace(held: HeldNamespace, argv: readonly string[]): string {
  return execFileSync('nsenter', ['-n', '-t', String(held.pid), ...argv], {
    encoding: 'utf8',
  });
}

/** Link-local addresses and their routes come when the kernel has checked them: left out, too. */
function comparable(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, one) => {
      if (key === 'counter' || key === 'handle') return undefined;
      if (key === 'addresses' || key === 'routes')
        return (one as object[]).filter((row) => !JSON.stringify(row).includes('"fe80:'));
      if (key === 'expressions') return (one as string[]).filter((text) => !/^counter/.test(text));
      return one;
    }),
  );
}
