'use client';
/**
 * The meters of a group: memory as a level below a rim, pids as seats, CPU as a share of its quota,
 * hatched where it was held back. Each says in words what it draws.
 */
import { type CgroupFacts, type CgroupRates, cgroupNumber, cgroupQuota } from '@terrarium/timeline';
import type { CSSProperties } from 'react';
import type { CgroupStrings } from './strings.js';
import { bytesText, cpusText } from './texts.js';

/** More seats than this are a bar: nobody counts them. */
const MAX_SEATS = 16;
/** A level from here on is near the rim. */
const NEAR = 0.9;

interface MeterProps {
  readonly facts: CgroupFacts;
  readonly words: CgroupStrings;
}

export function MemoryMeter({ facts, words, scale }: MeterProps & { scale: number | null }) {
  const used = cgroupNumber(facts, 'memory.current');
  if (used === null) return null;
  const limit = cgroupNumber(facts, 'memory.limit');
  const anon = cgroupNumber(facts, 'memory.anon') ?? used;
  const whole = limit ?? scale;
  const level = whole === null || whole === 0 ? 0 : used / whole;
  const said = words.memory(bytesText(used), limit === null ? null : bytesText(limit));
  return (
    <Bar
      said={said}
      level={level}
      inner={used === 0 ? 0 : level * Math.min(1, anon / used)}
      rim={limit !== null}
      text={limit === null ? bytesText(used) : `${bytesText(used)} / ${bytesText(limit)}`}
    />
  );
}

export function PidsMeter({ facts, words }: MeterProps) {
  const used = cgroupNumber(facts, 'pids.current');
  if (used === null) return null;
  const limit = cgroupNumber(facts, 'pids.limit');
  const text = limit === null ? `${used}` : `${used} / ${limit}`;
  const said = words.pids(used, limit);
  if (limit === null || limit > MAX_SEATS) {
    return (
      <Bar said={said} level={limit === null ? 0 : used / limit} rim={limit !== null} text={text} />
    );
  }
  return (
    <span className="tr-meter" role="img" aria-label={said} title={said}>
      <span className="tr-seats" data-full={used >= limit || undefined}>
        {Array.from({ length: limit }, (_, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: seats have no identity but their place
          <i key={i} data-taken={i < used || undefined} />
        ))}
      </span>
      <span className="tr-meter-text">{text}</span>
    </span>
  );
}

export function CpuMeter(props: MeterProps & { rates: CgroupRates }) {
  const { facts } = props;
  const quota = cgroupQuota(facts);
  // v1 counts time in a hierarchy of its own, in which the group need not exist.
  if (quota === null && !facts.has('cpu.usage')) return null;
  return <Share {...props} quota={quota} />;
}

function Share(props: MeterProps & { rates: CgroupRates; quota: number | null }) {
  const { facts, words, rates, quota } = props;
  const used = facts.has('cpu.usage') ? (rates.cpus ?? 0) : null;
  const held = quota === null ? 0 : (rates.throttled ?? 0);
  const percent = Math.round(held * 100);
  const share = used === null ? '–' : cpusText(used);
  const text = quota === null ? share : `${share} / ${cpusText(quota)}`;
  const said = words.cpu(share, quota === null ? null : cpusText(quota));
  return (
    <Bar
      said={percent === 0 ? said : `${said}, ${words.throttled(percent)}`}
      level={(used ?? 0) / (quota ?? 1)}
      rim={quota !== null}
      held={held}
      text={percent === 0 ? text : `${text} · ${words.throttledShort(percent)}`}
    />
  );
}

function Bar(props: {
  readonly said: string;
  readonly level: number;
  readonly inner?: number;
  /** closed at the right end: a limit */
  readonly rim: boolean;
  readonly held?: number;
  readonly text: string;
}) {
  const { said, level, inner, rim, held = 0, text } = props;
  const style = {
    '--filled': Math.min(1, level),
    '--inner': Math.min(1, inner ?? level),
    '--held': Math.min(1, held),
  } as CSSProperties;
  return (
    <span className="tr-meter" role="img" aria-label={said} title={said}>
      <span
        className="tr-level"
        data-rim={rim || undefined}
        data-near={(rim && level >= NEAR) || undefined}
        style={style}
      >
        <i />
        <b />
        {held > 0 && <s />}
      </span>
      <span className="tr-meter-text">{text}</span>
    </span>
  );
}
