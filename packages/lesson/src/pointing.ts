/**
 * Pointing at kernel objects: a sentence of the prose may be a link to one (`[the new shell](#see:p)`
 * lights it up wherever it is shown), and a prediction may be made by picking one. Pure.
 */
import { type State, type Subject, subject, subjectText } from '@terrarium/timeline';
import type { Check, Path, Query } from './check.js';
import { evaluate, pathOf } from './evaluate.js';
import { type Binding, type Bindings, resolve, Unbound } from './resolve.js';

/** How the address of such a link begins; a path follows: `#see:p`, `#see:p.namespaces.pid`. */
export const SEE = '#see:';

/** Such links in a text of Markdown, with the path that each names. */
export function seeLinks(markdown: string): readonly Path[] {
  return [...markdown.matchAll(/\]\(#see:([^)\s]*)\)/g)].map(([, path = '']) => path);
}

/**
 * What a path leads to at this moment, under the choice of variables that fulfils most of a check.
 *
 * @param check whose variables the path may use; null: those of the sandbox alone
 * @returns null when it is not there (yet)
 */
export function seen(path: Path, check: Check | null, state: State): Subject | null {
  const bindings = check === null ? {} : evaluate(check, state).bindings;
  return subjectAt(path, bindings, state);
}

/** The object that a path leads to. */
export function subjectAt(path: Path, bindings: Bindings, state: State): Subject | null {
  const binding = Object.hasOwn(bindings, path) ? bindings[path] : undefined;
  if (binding !== undefined) return subjectOfBinding(binding, state);
  try {
    const value = resolve(path, bindings, state);
    // An object at the end of a path is its identity: a process's key, a namespace's inode.
    if (typeof value === 'string' && value in state.processes) return subject.process(value);
    if (typeof value === 'number' && value in state.namespaces) return subject.namespace(value);
    return null;
  } catch (error) {
    if (error instanceof Unbound) return null;
    throw error;
  }
}

/** An answer by pointing: which object, and words for who reads it when that is gone. */
export function pickAnswer(about: Subject, state: State): string {
  return `${about} ${subjectText(state, about) ?? ''}`.trim();
}

/** The two parts of such an answer. */
export function parsePick(answer: string): { readonly subject: Subject; readonly text: string } {
  const space = answer.indexOf(' ');
  if (space < 0) return { subject: answer, text: answer };
  return { subject: answer.slice(0, space), text: answer.slice(space + 1) };
}

/** The kernel's answer to a prediction by pointing; null when the object is gone. */
export function pickQuery(query: Query, bindings: Bindings, state: State): string | null {
  const about = subjectAt(pathOf(query), bindings, state);
  return about === null ? null : pickAnswer(about, state);
}

/** What a view calls the object that a variable stands for; null where none shows it, or it is gone. */
export function subjectOfBinding(binding: Binding, state: State): Subject | null {
  switch (binding.kind) {
    case 'process':
      return binding.key in state.processes ? subject.process(binding.key) : null;
    case 'namespace':
      return subject.namespace(binding.inode);
    case 'mount':
      return subject.mount(binding.mountNs, binding.mountId);
    case 'cgroup': {
      // One group in several hierarchies of v1: the first stands for all, which light up with it.
      const groups = Object.values(state.cgroups ?? {});
      const group = groups.find(({ path }) => path === binding.path);
      return group === undefined ? null : subject.cgroup(group.key);
    }
    case 'overlay':
      return subject.overlay(binding.key);
    case 'entry':
      return subject.overlay(binding.overlay, binding.path);
    case 'link':
      return subject.link(binding.netNs, binding.index);
    case 'call':
      return subject.call(binding.seq);
    case 'command':
      return subject.command(binding.id);
    case 'listener':
      return null;
  }
}
