/** Commands and what they did, both ways: from the page's own history. */
import {
  attributionOf,
  type History,
  relatedSubjects,
  type State,
  type Subject,
  subject,
  subjectsOf,
} from '@terrarium/timeline';

/** What one position of the timeline knows of its commands; built when first asked for. */
export class RelatedCommands {
  readonly #byCommand = new Map<string, ReadonlySet<Subject>>();
  readonly #history: History;
  #upTo = -1;

  constructor(history: History) {
    this.#history = history;
  }

  /** Everything that lights up with a subject, commands that touched it included. */
  relatedTo(about: Subject, state: State): ReadonlySet<Subject> {
    if (this.#upTo !== state.seq) {
      this.#byCommand.clear();
      this.#upTo = state.seq;
    }
    const related = new Set(relatedSubjects(state, about, (id) => this.#causedBy(id)));
    for (const id of Object.keys(state.commands ?? {})) {
      if (this.#causedBy(id).has(about)) related.add(subject.command(id));
    }
    return related;
  }

  #causedBy(command: string): ReadonlySet<Subject> {
    let known = this.#byCommand.get(command);
    if (known === undefined) {
      const entries = attributionOf(this.#history).causedBy(command);
      known = new Set(entries.flatMap(({ event }) => subjectsOf(event)));
      this.#byCommand.set(command, known);
    }
    return known;
  }
}
