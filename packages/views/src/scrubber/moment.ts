/** A position on the timeline in words: "12:04:31, before `unshare -m`". */
import type { CommandSpan, TimelineEvent } from '@terrarium/timeline';
import type { Lang } from '../strings.js';
import { scrubberStrings } from './strings.js';
import type { Track } from './track.js';

/** Longer command lines are cut: the sentence stands in a banner. */
const LINE_CHARS = 48;

/** The moment's time of day and what it is near to. */
export function momentText(track: Track, seq: number, lang: Lang): string {
  return [clockTime(track.timeOf(seq)), nearText(track, seq, lang)].filter(Boolean).join(', ');
}

/** `12:04:31`, in the reader's own time zone. */
export function clockTime(t: number): string {
  const date = new Date(t);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** How long before `now` it was, in words. */
export function agoText(t: number, now: number, lang: Lang): string {
  return scrubberStrings(lang).ago(Math.max(0, (now - t) / 1000));
}

function nearText(track: Track, seq: number, lang: Lang): string {
  const words = scrubberStrings(lang);
  const named = ({ line }: CommandSpan): string => short(line ?? words.unnamed);
  const { spans, history } = track;
  const here = spans.find((span) => track.before(span) <= seq && seq <= span.startSeq);
  if (here !== undefined) return words.before(named(here));
  const event = track.eventAt(seq);
  if (event !== null) {
    const special = eventText(event, lang);
    if (special !== null) return special;
  }
  const last = spans.findLast(({ startSeq }) => startSeq < seq);
  if (last !== undefined) {
    const over = last.endSeq !== null && last.endSeq <= seq;
    return over ? words.after(named(last)) : words.during(named(last));
  }
  return seq <= history.oldest.seq ? words.atOldest : '';
}

/** Events that say more than the command around them. */
function eventText(event: TimelineEvent, lang: Lang): string | null {
  const words = scrubberStrings(lang);
  switch (event.type) {
    case 'sandbox.start':
      return words.atStart;
    case 'check':
      return words.check(event.step, event.passed);
    case 'cgroup.oom':
      return words.oom(event.comm ?? '?');
    default:
      return null;
  }
}

/** A command line that fits a sentence. */
export function short(line: string): string {
  const one = line.replace(/\s+/g, ' ').trim();
  return one.length <= LINE_CHARS ? one : `${one.slice(0, LINE_CHARS - 1)}…`;
}
