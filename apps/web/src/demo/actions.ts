/**
 * A lesson as a sequence of actions, one key press each. Pure: what is on the slide follows from the
 * position alone, and a move says which effect in the sandbox it has, if any.
 */
import type { Command, Lesson, LocalText, Step } from '@terrarium/lesson';
import { placeCommands } from '../terminal/typing';

/** What one press does. */
export type Action =
  | { readonly kind: 'text'; readonly paragraph: number }
  | { readonly kind: 'question' }
  | { readonly kind: 'type'; readonly commands: readonly Command[] }
  | { readonly kind: 'run'; readonly commands: readonly Command[]; readonly typed: boolean }
  | { readonly kind: 'check' }
  | { readonly kind: 'answer' };

/** One slide: the introduction, a step, or the end. */
export interface Slide {
  /** null for the opening and the end */
  readonly step: Step | null;
  readonly actions: readonly Action[];
}

/** Where the presentation stands. */
export interface Place {
  readonly slide: number;
  /** actions of the slide that are done */
  readonly at: number;
  /** by slide: actions that were done once; commands among them are not typed again */
  readonly reached: readonly number[];
  /** the next press goes on although the check is red */
  readonly insisted: boolean;
}

/** What a move does in the sandbox. */
export type Effect =
  /** types; presses Enter on what is typed; does both; takes away what is typed */
  | {
      readonly kind: 'type' | 'enter' | 'run' | 'untype';
      readonly commands: readonly Command[];
    }
  | { readonly kind: 'reset'; readonly step: Step };

export interface Move {
  readonly place: Place;
  readonly effect: Effect | null;
}

/** The slides of a lesson: its introduction, its steps, and one to end with. */
export function slidesOf(lesson: Lesson): readonly Slide[] {
  return [
    { step: null, actions: texts(lesson.introduction) },
    ...lesson.steps.map((step) => ({ step, actions: actionsOf(step) })),
    { step: null, actions: [] },
  ];
}

/** The actions of one step, in their order. */
export function actionsOf(step: Step): readonly Action[] {
  const asks = step.predict !== undefined;
  return [
    ...texts(step.prose),
    ...(asks ? [{ kind: 'question' } as const] : []),
    ...groupsOf(step.commands).flatMap(commandActions),
    { kind: 'check' },
    ...(asks ? [{ kind: 'answer' } as const] : []),
  ];
}

/** Paragraphs of Markdown; a code block is one with its blank lines. */
export function paragraphsOf(markdown: string): readonly string[] {
  const paragraphs: string[] = [];
  let fenced = false;
  const lines: string[] = [];
  for (const line of [...markdown.split('\n'), '']) {
    if (line.startsWith('```')) fenced = !fenced;
    if (line.trim() !== '' || fenced) lines.push(line);
    else if (lines.length > 0) paragraphs.push(lines.splice(0).join('\n'));
  }
  if (lines.length > 0) paragraphs.push(lines.join('\n'));
  return paragraphs;
}

/**
 * As many parts as the actions have: languages may divide their text differently, and a press must
 * mean the same in both. What is over stands in the last part.
 */
export function paragraphsIn(markdown: string, parts: number): readonly string[] {
  const all = paragraphsOf(markdown);
  if (all.length <= parts) return all;
  return [...all.slice(0, parts - 1), all.slice(parts - 1).join('\n\n')];
}

/** Commands that are typed in one go: a here-document with all its lines, else each alone. */
export function groupsOf(commands: readonly Command[]): readonly (readonly Command[])[] {
  const groups: Command[][] = [];
  for (const { command, continued } of placeCommands(commands)) {
    if (continued) groups.at(-1)?.push(command);
    else groups.push([command]);
  }
  return groups;
}

/** As many as the language with fewer paragraphs has: every press shows something in both. */
function texts(text: LocalText): readonly Action[] {
  const count = Math.min(paragraphsOf(text.en).length, paragraphsOf(text.zh).length);
  return Array.from({ length: count }, (_, paragraph) => ({ kind: 'text', paragraph }));
}

/** A line is typed, spoken of, and run; a key chord acts at once. */
function commandActions(commands: readonly Command[]): readonly Action[] {
  const last = commands.at(-1);
  if (last === undefined) return [];
  if ('key' in last) return [{ kind: 'run', commands, typed: false }];
  return [
    { kind: 'type', commands },
    { kind: 'run', commands, typed: true },
  ];
}

/** The beginning. */
export const START: Place = { slide: 0, at: 0, reached: [], insisted: false };

/** What the next press does; null: the next slide, or nothing at the end. */
export function nextAction(slides: readonly Slide[], place: Place): Action | null {
  return slides[place.slide]?.actions[place.at] ?? null;
}

/** Whether the kernel's word is being waited for: the check is shown and not green. */
export function isWaiting(slides: readonly Slide[], place: Place, green: boolean): boolean {
  return !green && slides[place.slide]?.actions[place.at - 1]?.kind === 'check';
}

/** One press forward. A red check takes two: the room should see what is missing. */
export function next(slides: readonly Slide[], place: Place, green: boolean): Move {
  if (isWaiting(slides, place, green) && !place.insisted) {
    return still({ ...place, insisted: true });
  }
  const action = nextAction(slides, place);
  if (action === null) {
    if (place.slide >= slides.length - 1) return still(place);
    return still({ ...place, slide: place.slide + 1, at: 0, insisted: false });
  }
  const isNew = place.at >= (place.reached[place.slide] ?? 0);
  const at = place.at + 1;
  const reached = isNew ? reachedAt(place, at) : place.reached;
  return {
    place: { ...place, at, reached, insisted: false },
    effect: isNew ? effectOf(action) : null,
  };
}

/** One press back: hides what was shown last. What ran has run; what is only typed is taken away. */
export function back(slides: readonly Slide[], place: Place): Move {
  if (place.at === 0) {
    if (place.slide === 0) return still(place);
    const slide = place.slide - 1;
    return still({ ...place, slide, at: place.reached[slide] ?? 0, insisted: false });
  }
  const at = place.at - 1;
  const action = slides[place.slide]?.actions[at];
  const isUnrun = action?.kind === 'type' && place.reached[place.slide] === place.at;
  const reached = isUnrun ? reachedAt(place, at) : place.reached;
  return {
    place: { ...place, at, reached, insisted: false },
    effect: isUnrun ? { kind: 'untype', commands: action.commands } : null,
  };
}

/**
 * To the beginning of a slide.
 *
 * @param withState makes a fresh sandbox in the state with which that step begins
 */
export function jump(
  slides: readonly Slide[],
  place: Place,
  slide: number,
  withState: boolean,
): Move {
  const step = slides[slide]?.step ?? null;
  const moved = { ...place, slide, at: 0, insisted: false };
  if (!withState || step === null) return still(moved);
  // From there on nothing has happened yet.
  return {
    place: { ...moved, reached: place.reached.slice(0, slide) },
    effect: { kind: 'reset', step },
  };
}

/** The same place in a lesson that was saved anew meanwhile, and may have fewer slides or actions. */
export function placeIn(slides: readonly Slide[], place: Place): Place {
  const slide = Math.min(place.slide, slides.length - 1);
  const at = Math.min(place.at, slides[slide]?.actions.length ?? 0);
  return slide === place.slide && at === place.at ? place : { ...place, slide, at };
}

/** What is on a slide after so many of its actions. */
export interface Shown {
  readonly paragraphs: number;
  readonly question: boolean;
  /** what is typed or run, in order; what did not run stands at the prompt */
  readonly commands: readonly { readonly commands: readonly Command[]; readonly ran: boolean }[];
  readonly check: boolean;
  readonly answer: boolean;
}

/** What is on the slide at a place. */
export function shownAt(slides: readonly Slide[], place: Place): Shown {
  const done = slides[place.slide]?.actions.slice(0, place.at) ?? [];
  const has = (kind: Action['kind']): boolean => done.some((action) => action.kind === kind);
  const ran = done.flatMap((action) => (action.kind === 'run' ? [action.commands] : []));
  const typed = done.flatMap((action) => (action.kind === 'type' ? [action.commands] : []));
  return {
    paragraphs: done.filter(({ kind }) => kind === 'text').length,
    question: has('question'),
    commands: [
      ...ran.map((commands) => ({ commands, ran: true })),
      ...typed.filter((one) => !ran.includes(one)).map((commands) => ({ commands, ran: false })),
    ],
    check: has('check'),
    answer: has('answer'),
  };
}

function still(place: Place): Move {
  return { place, effect: null };
}

function effectOf(action: Action): Effect | null {
  if (action.kind === 'type') return { kind: 'type', commands: action.commands };
  if (action.kind === 'run') {
    return { kind: action.typed ? 'enter' : 'run', commands: action.commands };
  }
  return null;
}

function reachedAt(place: Place, at: number): readonly number[] {
  const reached = [...place.reached];
  while (reached.length <= place.slide) reached.push(0);
  reached[place.slide] = at;
  return reached;
}
