/**
 * The fold: events in, state out. Pure, so that the live page, a late joiner, a replay and a
 * check all see the same thing. Runs unchanged in the daemon and in the browser.
 *
 * States share structure: what a batch does not touch is the same object afterwards (React and
 * memoised selectors compare by identity), and each record is copied at most once per batch.
 */
import { endCommand, startCommand } from './commands.js';
import { Draft } from './draft.js';
import type { EventBody, TimelineEvent } from './events.js';
import { foldCgroup, foldNetwork, foldOverlay } from './fold-objects.js';
import type { ProcessKey, State } from './state.js';

/** System calls that a state remembers; `History` knows all of them. */
export const KEPT_CALLS = 256;

/**
 * Applies numbered events to a state and returns the new one; the old one is untouched.
 *
 * Heals instead of throwing: an event about something unknown changes nothing but `seq` and `t`,
 * an appearance of something known replaces it. `assertConsistent` finds such events in tests.
 */
export function fold(state: State, events: readonly TimelineEvent[]): State {
  if (events.length === 0) return state;
  const draft = new Draft(state);
  for (const event of events) {
    draft.state.seq = event.seq;
    draft.state.t = event.t;
    apply(draft, event, event.seq, event.t);
  }
  return draft.state;
}

function apply(draft: Draft, event: EventBody, seq: number, t: number): void {
  switch (event.type) {
    case 'sandbox.start':
      draft.forgetAll();
      draft.state.sandbox = event.sandbox;
      return;
    case 'sandbox.end':
      draft.forgetAll();
      return;
    case 'process.fork':
      draft.set('processes', event.process.key, event.process);
      return;
    case 'process.exec': {
      const { key, comm, args } = event;
      const process = draft.get('processes', key);
      if (process !== undefined) draft.set('processes', key, { ...process, comm, args });
      return;
    }
    case 'process.change': {
      const process = draft.get('processes', event.key);
      if (process === undefined) return;
      draft.set('processes', event.key, { ...process, ...event.change });
      return;
    }
    case 'process.exit':
      draft.remove('processes', event.key);
      draft.remove('usage', event.key);
      endCommandsOf(draft, event.key, t);
      return;
    case 'process.sample':
      Object.assign(draft.rows('usage'), livingOnly(draft, event.usage));
      return;
    case 'namespace.appear':
      draft.set('namespaces', String(event.namespace.inode), event.namespace);
      return;
    case 'namespace.change': {
      const namespace = draft.get('namespaces', String(event.inode));
      if (namespace === undefined) return;
      draft.set('namespaces', String(event.inode), { ...namespace, ...event.change });
      return;
    }
    case 'namespace.vanish':
      draft.remove('namespaces', event.inode);
      return;
    case 'mount.attach':
    case 'mount.change':
      draft.inner('mounts', event.mountNs)[event.mount.mountId] = event.mount;
      return;
    case 'mount.detach':
      if (draft.state.mounts[event.mountNs]?.[event.mountId] !== undefined) {
        delete draft.inner('mounts', event.mountNs)[event.mountId];
      }
      return;
    case 'mount.forget':
      draft.remove('mounts', event.mountNs);
      return;
    case 'cgroup.appear':
    case 'cgroup.change':
    case 'cgroup.vanish':
    case 'cgroup.sample':
    case 'cgroup.oom':
      foldCgroup(draft, event, t);
      return;
    case 'overlay.appear':
    case 'overlay.change':
    case 'overlay.copying':
    case 'overlay.vanish':
      foldOverlay(draft, event);
      return;
    case 'network.appear':
    case 'network.change':
    case 'network.sample':
    case 'network.vanish':
      foldNetwork(draft, event);
      return;
    case 'syscall.tracing':
      draft.state.tracing = event.on;
      if (event.reason === undefined) delete draft.state.tracingEnded;
      else draft.state.tracingEnded = event.reason;
      if (event.lost !== undefined) {
        draft.state.callsLost = (draft.state.callsLost ?? 0) + event.lost;
      }
      return;
    case 'syscall':
      draft.state.calls = [...(draft.state.calls ?? []), { ...event.call, seq }].slice(-KEPT_CALLS);
      return;
    case 'command.start':
      startCommand(draft.rows('commands'), event, seq, t);
      return;
    case 'command.end':
      if (draft.get('commands', event.id) !== undefined)
        endCommand(draft.rows('commands'), event, t);
      return;
    // Terminals and checks have their place on the timeline, but are no kernel state.
    case 'terminal.open':
    case 'terminal.close':
    case 'check':
      return;
    default:
      unknownEvent(event);
  }
}

/** A sample of a process that has ended meanwhile would stay for ever. */
function livingOnly<T>(draft: Draft, rows: Readonly<Record<ProcessKey, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(rows).filter(([key]) => key in draft.state.processes));
}

/** A shell that is gone (`exit`, a kill) says no more that its command ended. */
function endCommandsOf(draft: Draft, shell: ProcessKey, t: number): void {
  for (const [id, command] of Object.entries(draft.state.commands ?? {})) {
    if (command.process !== shell || command.endedAt !== null) continue;
    endCommand(draft.rows('commands'), { id, exitCode: null }, t);
  }
}

/** The compiler proves the switch exhaustive; at run time an event of a newer version is skipped. */
function unknownEvent(_event: never): void {}
