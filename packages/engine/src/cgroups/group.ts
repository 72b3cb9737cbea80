/**
 * One group of a container or sandbox, in all hierarchies at once: the interface that the lifecycle
 * uses, whatever the host's cgroups are. Runs in the daemon as root, on the host's paths. Making and
 * entering a group are calls of the container's plan (plan/cgroup-calls.ts).
 */
import type { LinuxDevice, LinuxDeviceCgroup, LinuxResources } from '@terrarium/spec';
import { type Plan, PlanBuilder, type Player } from '@terrarium/syscall';
import {
  attachDeviceProgram,
  attachedPrograms,
  detachDeviceProgram,
  deviceQueryPlan,
} from '../plan/device-program-calls.js';
import { purpose, Script } from '../plan/script.js';
import { deviceProgram } from './devices/program.js';
import { containerDeviceRules } from './devices/rules.js';
import { type FreezerState, freezeGroup, freezerState, thawGroup } from './freeze.js';
import { groupPath, withControlFiles } from './layout.js';
import { existingGroups, killGroup, livingProcesses, removeGroup } from './remove.js';
import { readStats } from './stats/stats.js';
import type { CgroupStats } from './stats/types.js';
import type { CgroupLayout } from './types.js';
import {
  takeBack,
  UpdateError,
  type UpdateWrite,
  updateWrites,
  writeUpdate,
} from './update/update.js';
import { type CgroupEvent, type GroupWatch, watchCgroup } from './watch.js';

/** What a Cgroup is of. */
export interface CgroupInput {
  readonly layout: CgroupLayout;
  /** path below the mount points: `/terrarium/web-1` */
  readonly group: string;
  /** as sentences of plans name it; by default its path */
  readonly whose?: { readonly en: string; readonly zh: string };
}

/** @see the file's header */
export class Cgroup {
  readonly layout: CgroupLayout;
  readonly group: string;
  readonly #whose: { readonly en: string; readonly zh: string };

  constructor({ layout, group, whose }: CgroupInput) {
    this.layout = layout;
    this.group = group;
    this.#whose = whose ?? { en: `cgroup ${group}`, zh: ` cgroup ${group} ` };
  }

  /** Absolute directories that exist now, one a hierarchy. */
  directories(): string[] {
    return existingGroups(this.layout, this.group);
  }

  /** Host pids of the group and all below it, in any hierarchy. */
  processes(): number[] {
    return livingProcesses(this.layout, this.group);
  }

  stats(): CgroupStats {
    return readStats(this.layout, this.group);
  }

  freezerState(): FreezerState {
    return freezerState(this.layout, this.group);
  }

  /** @see freezeGroup */
  freeze(): Promise<void> {
    return freezeGroup(this.layout, this.group);
  }

  /** @see thawGroup */
  thaw(): Promise<void> {
    return thawGroup(this.layout, this.group);
  }

  /** Ends all processes of the subtree, frozen ones too; resolves when none is left. */
  kill(): Promise<void> {
    return killGroup(this.layout, this.group);
  }

  /** Removes the directories; their processes must have ended (or be about to: it waits). */
  remove(): Promise<void> {
    return removeGroup(this.layout, this.group);
  }

  /** @see watchCgroup */
  watch(listener: (event: CgroupEvent) => void): GroupWatch {
    return watchCgroup(this.layout, this.group, listener);
  }

  /**
   * Changes limits while processes run: all that are given, or none.
   *
   * @param nodes linux.devices of the container, which its new rules must let it make
   * @throws UpdateError when a field cannot be applied or is refused; the old limits are in place
   */
  async update(
    player: Player,
    resources: LinuxResources,
    nodes: readonly LinuxDevice[] = [],
  ): Promise<void> {
    const { writes, rules } = this.#wanted(resources, nodes);
    writeUpdate(writes);
    const directory = this.#programDirectory();
    if (rules === undefined || directory === undefined) return;
    try {
      // Last, as it happens at once or not at all.
      const attached = await queryDevicePrograms(player, directory);
      const plan = this.#plan((script) => this.#changeProgram(script, directory, rules, attached));
      await player.run(plan).done;
    } catch (error) {
      takeBack(writes);
      const field = 'linux.resources.devices';
      const why = (error as Error).message;
      throw new UpdateError(field, `${field}: ${why}; the old limits are in place`, error);
    }
  }

  /**
   * The same as calls, to show or to step through. Nothing takes back what was written when one of
   * them is refused: `update` does.
   *
   * @param attached what queryDevicePrograms says, where device rules change on v2
   */
  updatePlan(
    resources: LinuxResources,
    nodes: readonly LinuxDevice[] = [],
    attached: readonly number[] = [],
  ): Plan {
    const { writes, rules } = this.#wanted(resources, nodes);
    const directory = this.#programDirectory();
    const { en, zh } = this.#whose;
    return this.#plan((script) => {
      for (const { path, file, value } of writes) {
        const sentence = [
          `limit ${en}: ${file} = ${value}`,
          `限制${zh}：${file} = ${value}`,
        ] as const;
        script.writeFile(path, value, purpose('cgroup-limit', ...sentence));
      }
      if (rules !== undefined && directory !== undefined)
        this.#changeProgram(script, directory, rules, attached);
    });
  }

  /** @throws UpdateError naming the fields that cannot be applied */
  #wanted(resources: LinuxResources, nodes: readonly LinuxDevice[]): Wanted {
    const { devices, ...others } = resources;
    const layout = withControlFiles(this.layout, this.group); // which files its kernel gave it
    if (devices === undefined) return { writes: updateWrites(layout, this.group, others) };
    const rules = containerDeviceRules(devices, nodes);
    const writes = updateWrites(layout, this.group, { ...others, devices: rules });
    return { writes, rules };
  }

  /** The v2 group whose program holds the device rules; undefined where v1 has a list for them. */
  #programDirectory(): string | undefined {
    const { hierarchies } = this.layout;
    if (hierarchies.some(({ controllers }) => controllers.includes('devices'))) return undefined;
    const v2 = hierarchies.find(({ version }) => version === 2);
    return v2 === undefined ? undefined : groupPath(v2, this.group);
  }

  #plan(write: (script: Script) => void): Plan {
    const builder = new PlanBuilder(`update ${this.group}`);
    write(new Script(builder, 'outside', builder.slot('fd')));
    return builder.build();
  }

  #changeProgram(
    script: Script,
    directory: string,
    rules: readonly LinuxDeviceCgroup[],
    attached: readonly number[],
  ): void {
    const [old, ...others] = attached;
    if (others.length > 0) {
      throw new Error(`${directory} has several device programs, so not all of them are ours`);
    }
    const program = deviceProgram(rules);
    if (program !== null) attachDeviceProgram(script, directory, program, this.#whose, old);
    else if (old !== undefined) detachDeviceProgram(script, directory, old, this.#whose);
  }
}

/** What an update comes to; `rules` only when it changes them. */
interface Wanted {
  readonly writes: readonly UpdateWrite[];
  readonly rules?: readonly LinuxDeviceCgroup[];
}

/** Ids of the device programs attached to one v2 group itself. */
export async function queryDevicePrograms(player: Player, directory: string): Promise<number[]> {
  const { reports } = await player.run(deviceQueryPlan(directory)).done;
  const answer = reports.find(({ bytes }) => bytes !== undefined)?.bytes;
  return answer === undefined ? [] : attachedPrograms(answer);
}
