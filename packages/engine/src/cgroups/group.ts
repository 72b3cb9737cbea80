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
import { Script } from '../plan/script.js';
import { deviceProgram } from './devices/program.js';
import { containerDeviceRules } from './devices/rules.js';
import { type FreezerState, freezeGroup, freezerState, thawGroup } from './freeze.js';
import { groupPath, withControlFiles } from './layout.js';
import { existingGroups, killGroup, livingProcesses, removeGroup } from './remove.js';
import { type CgroupStats, readStats } from './stats/stats.js';
import type { CgroupLayout } from './types.js';
import { takeBack, UpdateError, updateWrites, writeUpdate } from './update/update.js';
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
    const { devices, ...others } = resources;
    const rules = containerDeviceRules(devices, nodes);
    const wanted = devices === undefined ? others : { ...others, devices: rules };
    const layout = withControlFiles(this.layout, this.group); // which files its kernel gave it
    const writes = updateWrites(layout, this.group, wanted);
    writeUpdate(writes);
    if (devices === undefined) return;
    try {
      await this.#updateDeviceProgram(player, rules);
    } catch (error) {
      takeBack(writes);
      const field = 'linux.resources.devices';
      const why = (error as Error).message;
      throw new UpdateError(field, `${field}: ${why}; the old limits are in place`, error);
    }
  }

  /** Last, as it happens at once or not at all. v1's rules are among the writes. */
  async #updateDeviceProgram(player: Player, rules: readonly LinuxDeviceCgroup[]): Promise<void> {
    const { hierarchies } = this.layout;
    if (hierarchies.some(({ controllers }) => controllers.includes('devices'))) return;
    const v2 = hierarchies.find(({ version }) => version === 2);
    if (v2 === undefined) return;
    const directory = groupPath(v2, this.group);
    const attached = await queryDevicePrograms(player, directory);
    const plan = this.#devicePlan(directory, rules, attached);
    if (plan !== null) await player.run(plan).done;
  }

  #devicePlan(
    directory: string,
    rules: readonly LinuxDeviceCgroup[],
    attached: readonly number[],
  ): Plan | null {
    const [old, ...others] = attached;
    if (others.length > 0) {
      throw new Error(`${directory} has several device programs, so not all of them are ours`);
    }
    const program = deviceProgram(rules);
    if (program === null && old === undefined) return null;
    const builder = new PlanBuilder(`update devices of ${this.group}`);
    const script = new Script(builder, 'outside', builder.slot('fd'));
    if (program !== null) attachDeviceProgram(script, directory, program, this.#whose, old);
    else if (old !== undefined) detachDeviceProgram(script, directory, old, this.#whose);
    return builder.build();
  }
}

/** Ids of the device programs attached to one v2 group itself. */
export async function queryDevicePrograms(player: Player, directory: string): Promise<number[]> {
  const { reports } = await player.run(deviceQueryPlan(directory)).done;
  const answer = reports.find(({ bytes }) => bytes !== undefined)?.bytes;
  return answer === undefined ? [] : attachedPrograms(answer);
}
