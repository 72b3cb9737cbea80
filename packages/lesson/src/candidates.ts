/** What a variable may stand for: the kernel's objects of one kind, the likeliest first. Pure. */
import { commandsOf, processesOf, type State } from '@terrarium/timeline';
import { type Subject, type SubjectKind, subjectOf } from './check.js';
import { type Binding, type Bindings, resolve } from './resolve.js';

/** Newest first: of two that fit, the learner's latest attempt is taken. */
export function candidates(subject: Subject, bindings: Bindings, state: State): Iterable<Binding> {
  const { kind } = subjectOf(subject);
  const inside = subject.in === undefined ? undefined : resolve(subject.in, bindings, state);
  return CANDIDATES[kind](state, inside);
}

type Candidates = (state: State, inside: unknown) => Iterable<Binding>;

const CANDIDATES: Readonly<Record<SubjectKind, Candidates>> = {
  *process(state) {
    for (const { key } of [...processesOf(state)].reverse()) yield { kind: 'process', key };
  },
  *namespace(state) {
    const newest = Object.values(state.namespaces).sort((a, b) => b.bornAt - a.bornAt);
    for (const { inode } of newest) yield { kind: 'namespace', inode };
  },
  *mount(state, mountNs) {
    if (typeof mountNs !== 'number') return;
    for (const { mountId } of Object.values(state.mounts[mountNs] ?? {})) {
      yield { kind: 'mount', mountNs, mountId };
    }
  },
  *cgroup(state) {
    const paths = new Set(Object.values(state.cgroups ?? {}).map(({ path }) => path));
    for (const path of [...paths].reverse()) yield { kind: 'cgroup', path };
  },
  *overlay(state) {
    const newest = Object.values(state.overlays ?? {}).sort((a, b) => b.bornAt - a.bornAt);
    for (const { key } of newest) yield { kind: 'overlay', key };
  },
  *entry(state, overlay) {
    const layers = state.overlays?.[String(overlay)]?.layers ?? [];
    for (const [layer, { entries }] of layers.entries()) {
      for (const path of Object.keys(entries ?? {})) {
        yield { kind: 'entry', overlay: String(overlay), layer, path };
      }
    }
  },
  *link(state) {
    for (const { netNs, links } of Object.values(state.networks ?? {})) {
      for (const { index } of Object.values(links)) yield { kind: 'link', netNs, index };
    }
  },
  *listener(state) {
    for (const { netNs, listeners } of Object.values(state.networks ?? {})) {
      for (const { protocol, address, port } of listeners) {
        yield { kind: 'listener', netNs, protocol, address, port };
      }
    }
  },
  *call(state) {
    for (const { seq } of [...(state.calls ?? [])].reverse()) yield { kind: 'call', seq };
  },
  *command(state) {
    for (const { id } of [...commandsOf(state)].reverse()) yield { kind: 'command', id };
  },
};
