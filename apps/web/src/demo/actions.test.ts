/** The sequence of a presentation, without any page: forward, back, jumps, and what is typed when. */
import type { Command, Lesson, Step } from '@terrarium/lesson';
import { describe, expect, it } from 'vitest';
import {
  back,
  type Effect,
  groupsOf,
  isWaiting,
  jump,
  next,
  nextAction,
  type Place,
  paragraphsIn,
  paragraphsOf,
  placeIn,
  START,
  shownAt,
  slidesOf,
} from './actions';

const same = (text: string) => ({ en: text, zh: text });
const line = (text: string): Command => ({ line: text, terminal: 1 });

function step(id: string, more: Partial<Step> = {}): Step {
  return {
    id,
    title: same(id),
    prose: same('One.\n\nTwo.'),
    view: 'processes',
    look: same('Look.'),
    commands: [line('ls')],
    check: { clauses: [] },
    once: false,
    hint: same('Hint.'),
    solution: [],
    wrong: [],
    setup: [],
    breakIt: false,
    ...more,
  };
}

const PREDICT = {
  question: same('What?'),
  kind: 'number',
  actual: { of: 'p', field: 'pid' },
  explain: same('Because.'),
} as const;
const LESSON = {
  introduction: same('Welcome.'),
  steps: [
    step('first', { predict: PREDICT }),
    step('second', { commands: [{ key: 'C-c', terminal: 1 }] }),
  ],
} as unknown as Lesson;
const SLIDES = slidesOf(LESSON);

/** Presses forward so often, with the check green, and notes what happened in the sandbox. */
function press(times: number, from: Place = START, green = true) {
  let place = from;
  const effects: Effect[] = [];
  for (let i = 0; i < times; i += 1) {
    const move = next(SLIDES, place, green);
    place = move.place;
    if (move.effect !== null) effects.push(move.effect);
  }
  return { place, effects };
}

describe('a presentation', () => {
  it('is the introduction, each step in its order, and an end that stays', () => {
    expect(SLIDES.map(({ actions }) => actions.map(({ kind }) => kind))).toEqual([
      ['text'],
      ['text', 'text', 'question', 'type', 'run', 'check', 'answer'],
      ['text', 'text', 'run', 'check'],
      [],
    ]);
    const presses = 1 + 1 + 7 + 1 + 4 + 1;
    const { place, effects } = press(presses);
    expect(place).toMatchObject({ slide: 3, at: 0 });
    expect(effects.map(({ kind }) => kind)).toEqual(['type', 'enter', 'run']);
    expect(press(3, place).place).toEqual(place);
  });

  it('shows what was revealed and no more', () => {
    const { place } = press(2 + 4);
    expect(shownAt(SLIDES, place)).toEqual({
      paragraphs: 2,
      question: true,
      commands: [{ commands: [line('ls')], ran: false }],
      check: false,
      answer: false,
    });
    expect(nextAction(SLIDES, place)?.kind).toBe('run');
    expect(shownAt(SLIDES, press(1, place).place).commands).toEqual([
      { commands: [line('ls')], ran: true },
    ]);
  });

  it('waits for a green check, and goes on without it when asked twice', () => {
    const { place } = press(2 + 6, START, false);
    expect(isWaiting(SLIDES, place, false)).toBe(true);
    const once = next(SLIDES, place, false).place;
    expect(once).toEqual({ ...place, insisted: true });
    expect(next(SLIDES, once, false).place).toMatchObject({ at: place.at + 1, insisted: false });
    expect(isWaiting(SLIDES, place, true)).toBe(false);
    expect(next(SLIDES, place, true).place.at).toBe(place.at + 1);
  });
});

describe('back', () => {
  it('hides the last reveal, and types nothing twice on the way forward', () => {
    const { place } = press(2 + 5);
    let at = place;
    for (let i = 0; i < 3; i += 1) {
      const move = back(SLIDES, at);
      expect(move.effect).toBeNull();
      at = move.place;
    }
    expect(shownAt(SLIDES, at)).toMatchObject({ paragraphs: 2, question: false, commands: [] });
    expect(press(3, at)).toEqual({ place, effects: [] });
  });

  it('takes away what stands at the prompt, and types it again', () => {
    const { place } = press(2 + 4);
    const move = back(SLIDES, place);
    expect(move.effect).toEqual({ kind: 'untype', commands: [line('ls')] });
    expect(press(1, move.place).effects).toEqual([{ kind: 'type', commands: [line('ls')] }]);
  });

  it('comes to the end of the slide before, and stops at the first', () => {
    const { place } = press(1 + 1 + 7 + 1);
    expect(place).toMatchObject({ slide: 2, at: 0 });
    expect(back(SLIDES, place).place).toMatchObject({ slide: 1, at: 7 });
    expect(back(SLIDES, START)).toEqual({ place: START, effect: null });
  });
});

describe('jump', () => {
  it('begins a step in its own state, after which its commands are typed anew', () => {
    const { place } = press(1 + 1 + 7 + 1 + 2);
    const move = jump(SLIDES, place, 1, true);
    expect(move.effect).toMatchObject({ kind: 'reset', step: { id: 'first' } });
    expect(move.place).toMatchObject({ slide: 1, at: 0 });
    expect(press(5, move.place).effects.map(({ kind }) => kind)).toEqual(['type', 'enter']);
  });

  it('only shows a slide when no state is asked for', () => {
    const { place } = press(1 + 1 + 7 + 1);
    const move = jump(SLIDES, place, 1, false);
    expect(move.effect).toBeNull();
    expect(press(7, move.place).effects).toEqual([]);
  });

  it('has no state to make for the introduction', () => {
    expect(jump(SLIDES, press(4).place, 0, true).effect).toBeNull();
  });
});

describe('parts', () => {
  it('keeps a code block whole', () => {
    expect(paragraphsOf('One\nline.\n\n```sh\na\n\nb\n```\n\nTwo.')).toEqual([
      'One\nline.',
      '```sh\na\n\nb\n```',
      'Two.',
    ]);
    expect(paragraphsOf('')).toEqual([]);
  });

  it('puts what another language has more into the last part', () => {
    expect(paragraphsIn('1\n\n2\n\n3', 2)).toEqual(['1', '2\n\n3']);
    expect(paragraphsIn('1', 2)).toEqual(['1']);
  });

  it('types a here-document in one go', () => {
    const lines = ['cat > a <<E', 'x', 'E', 'cat a'].map(line);
    expect(groupsOf(lines)).toEqual([lines.slice(0, 3), lines.slice(3)]);
  });
});

describe('a lesson that was saved anew while it is presented', () => {
  it('keeps a place that it still has', () => {
    const place: Place = { ...START, slide: 1, at: 1 };
    expect(placeIn(SLIDES, place)).toBe(place);
  });
  it('has no place behind its last slide, nor behind the last action of one', () => {
    expect(placeIn(SLIDES, { ...START, slide: 99, at: 3 })).toMatchObject({
      slide: SLIDES.length - 1,
      at: 0,
    });
    const most = SLIDES[1]?.actions.length;
    expect(placeIn(SLIDES, { ...START, slide: 1, at: 99 })).toMatchObject({ slide: 1, at: most });
  });
});
