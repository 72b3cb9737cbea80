/**
 * Whom events of cgroups, overlays and networks belong to, by actor: rules 1, 6 and 8 of
 * attribution.ts. Keeps what there is of each, so that a diff knows what it was before.
 */
import { Draft } from '../draft.js';
import type { TimelineEvent } from '../events.js';
import { foldCgroup, foldNetwork, foldOverlay } from '../fold-objects.js';
import { EMPTY_STATE, type NsInode, type ProcessKey, type State } from '../state.js';
import { type Credit, NOBODY } from './credit.js';
import type { Effect } from './credited-event.js';

type Of<Prefix extends string> = Extract<TimelineEvent, { type: `${Prefix}.${string}` }>;
export type ResourceEvent = Of<'cgroup'> | Of<'overlay'> | Of<'network'>;

/** What this asks of the attribution. */
export interface ResourceRules {
  /** what a process does belongs to */
  readonly creditOf: (actor: ProcessKey) => Credit;
  /** an event without an actor: whoever alone could have done it */
  readonly soleCredit: (t: number) => Credit;
  /** whoever made a network namespace, and whoever made its last member leave */
  readonly makerOf: (inode: NsInode) => Credit;
  readonly leaverOf: (inode: NsInode) => Credit;
}

export class ResourceCredits {
  private readonly rules: ResourceRules;
  private known: Draft;

  constructor({ cgroups = {}, overlays = {}, networks = {} }: State, rules: ResourceRules) {
    this.rules = rules;
    this.known = new Draft({ ...EMPTY_STATE, cgroups, overlays, networks });
  }

  clear(): void {
    this.known = new Draft(EMPTY_STATE);
  }

  apply(event: ResourceEvent): Effect {
    switch (event.type) {
      case 'cgroup.appear':
        return this.cgroup(event, event.cgroup.key, event.actor);
      case 'cgroup.change':
      case 'cgroup.vanish':
        return this.cgroup(event, event.key, event.actor);
      case 'overlay.appear':
        return this.overlay(event, event.overlay.key, event.actor);
      case 'overlay.change':
      case 'overlay.vanish':
        return this.overlay(event, event.key, event.actor);
      case 'network.appear':
      case 'network.change':
      case 'network.vanish':
        return this.network(event);
      // Counters, and what the kernel does by itself.
      case 'cgroup.sample':
      case 'cgroup.oom':
      case 'overlay.copying':
      case 'network.sample':
        return { credit: NOBODY, before: null };
    }
  }

  private cgroup(event: Of<'cgroup'>, key: string, actor: ProcessKey | undefined): Effect {
    const before = this.known.get('cgroups', key) ?? null;
    foldCgroup(this.known, event, event.t);
    return { credit: this.creditOf(event.t, actor), before };
  }

  private overlay(event: Of<'overlay'>, key: string, actor: ProcessKey | undefined): Effect {
    const before = this.known.get('overlays', key) ?? null;
    foldOverlay(this.known, event);
    return { credit: this.creditOf(event.t, actor), before };
  }

  private network(
    event: Extract<Of<'network'>, { type: 'network.appear' | 'network.change' | 'network.vanish' }>,
  ): Effect {
    const netNs = event.type === 'network.appear' ? event.network.netNs : event.netNs;
    const before = this.known.get('networks', String(netNs)) ?? null;
    foldNetwork(this.known, event);
    if (event.type === 'network.appear') return { credit: this.rules.makerOf(netNs), before };
    if (event.type === 'network.vanish') return { credit: this.rules.leaverOf(netNs), before };
    return { credit: this.creditOf(event.t, event.actor), before };
  }

  private creditOf(t: number, actor: ProcessKey | undefined): Credit {
    return actor === undefined ? this.rules.soleCredit(t) : this.rules.creditOf(actor);
  }
}
