/** The port `Sandboxes` on packages/engine, with the resident player that the engine needs. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { probeHost, type Sandbox, SandboxEngine } from '@terrarium/engine';
import type { LocalText } from '@terrarium/protocol';
import { ResidentPlayer } from '@terrarium/syscall';
import { type FenceReader, fenceReader } from './fence.js';
import { type SandboxFiles, sandboxFiles } from './files.js';
import type { DaemonOptions } from './options.js';
import type { Sandboxes, SandboxInfo } from './ports.js';
import type { StepperKit } from './stepper/index.js';

/** The engine cleans up after a death by itself; how long `remove` waits for that, ms. */
const BUSY_MS = 10_000;
const BUSY_POLL_MS = 5;

export class EngineSandboxes implements Sandboxes {
  readonly reduced: readonly LocalText[];
  readonly shell: readonly string[];
  /** the directory whose files sandboxes are made of */
  readonly baseImage: string;
  readonly stepper: StepperKit;
  readonly fence: FenceReader;
  readonly files: SandboxFiles;
  /** names everything on the host that is this daemon's */
  readonly instance: string;
  readonly #engine: SandboxEngine;
  readonly #player: ResidentPlayer;
  /** those that nobody asked to remove */
  readonly #wanted = new Map<string, SandboxInfo>();

  /**
   * Starts the player and opens the engine.
   *
   * @param onPlayerEnd the player died: no sandbox can be made any more
   * @throws Error when there is no base image, or the host lacks what sandboxes need
   */
  static async open(
    options: DaemonOptions,
    onPlayerEnd: (error: Error) => void,
  ): Promise<EngineSandboxes> {
    const baseImage = options.baseImage ?? newestImage(join(options.stateDir, 'images'));
    const player = await ResidentPlayer.start({ onEnd: onPlayerEnd });
    const { memoryBytes, pids, cpuPercent, diskBytes } = options;
    const engine = await SandboxEngine.open({
      player,
      state: options.stateDir,
      baseImage,
      limits: { memoryBytes, pids, cpuPercent, diskBytes },
    });
    return new EngineSandboxes(engine, player, baseImage);
  }

  private constructor(engine: SandboxEngine, player: ResidentPlayer, baseImage: string) {
    this.#engine = engine;
    this.#player = player;
    this.instance = engine.instance;
    this.baseImage = baseImage;
    this.shell = shellOf(baseImage);
    this.stepper = { player, cgroups: engine.facts.cgroups };
    this.fence = fenceReader(player);
    this.files = sandboxFiles(player);
    this.reduced = probeHost()
      .filter(({ level }) => level === 'reduced')
      .map(({ found }) => found);
  }

  async create(id: string): Promise<SandboxInfo> {
    const info = this.#describe(await this.#engine.create({ id }));
    this.#wanted.set(id, info);
    return info;
  }

  async adopt(): Promise<readonly SandboxInfo[]> {
    const { adopted } = await this.#engine.adopt();
    const found = adopted.map((sandbox) => this.#describe(sandbox));
    for (const info of found) this.#wanted.set(info.id, info);
    return found;
  }

  async remove(id: string): Promise<void> {
    this.#wanted.delete(id);
    const deadline = Date.now() + BUSY_MS;
    for (;;) {
      try {
        await this.#engine.delete(id);
        return;
      } catch (error) {
        // Its init died by itself a moment ago, and the engine is removing it already.
        if (!isBusy(error) || Date.now() > deadline) throw error;
        await delay(BUSY_POLL_MS);
      }
    }
  }

  onGone(listener: (sandbox: SandboxInfo) => void): void {
    this.#engine.onGone((id) => {
      const info = this.#wanted.get(id);
      this.#wanted.delete(id);
      if (info !== undefined) listener(info);
    });
  }

  async close(): Promise<void> {
    await this.#engine.close();
    await this.#player.close();
  }

  #describe({ id, initPid, initStartTime, cgroups }: Sandbox): SandboxInfo {
    return { id, initPid, initStartTime, cgroups, exec: this.#engine.execTarget(id) };
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && /is being made or removed$/.test(error.message);
}

/** A login shell, so that /etc/profile sets the prompt; busybox images have no bash. */
function shellOf(image: string): readonly string[] {
  const bash = ['bin/bash', 'usr/bin/bash'].some((path) => existsSync(join(image, path)));
  return bash ? ['/bin/bash', '-l'] : ['/bin/sh', '-l'];
}

function newestImage(images: string): string {
  const found = existsSync(images)
    ? readdirSync(images)
        .filter((name) => name.startsWith('base-'))
        .map((name) => join(images, name))
        .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
    : [];
  if (found[0] === undefined) {
    throw new Error(
      `no base image in ${images}: run npm start, which builds it, or give --base-image`,
    );
  }
  return found[0];
}
