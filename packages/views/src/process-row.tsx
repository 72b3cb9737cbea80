'use client';
/**
 * One row of the process tree. Memoised on plain values: of five hundred rows only those that an
 * event touched render again, and only they are animated.
 */
import {
  type NamespaceKind,
  type ProcessState,
  type SandboxState,
  subject,
} from '@terrarium/timeline';
import { type CSSProperties, memo, useEffect, useRef } from 'react';
import {
  Crown,
  NamespaceGlyph,
  NamespaceRing,
  TerminalMark,
  TombstoneMark,
  ZombieMark,
} from './glyphs.js';
import { KIND_FACTS } from './kinds.js';
import { argsText, isPidOne, uidText } from './process-text.js';
import { RING_PATTERNS } from './rings.js';
import { type Lang, strings } from './strings.js';
import { touch } from './touch.js';
import { Twist } from './tree-item.js';

export interface ProcessRowProps {
  readonly process: ProcessState;
  readonly sandbox: SandboxState | null;
  readonly lang: Lang;
  readonly level: number;
  readonly expanded: boolean | undefined;
  readonly fresh: boolean;
  readonly gone: boolean;
  readonly isInit: boolean;
  /** its uid mapping is that of the sandbox's init, and so needs no attention */
  readonly plainUser: boolean;
  readonly active: boolean;
  readonly selected: boolean;
  readonly highlighted: boolean;
  /** rings as `kind/slot kind/slot`; a string, so that memo can compare it */
  readonly rings: string;
  /** pid membranes around this row as `level/slot/first?last?`, outermost first */
  readonly membranes: string;
}

// A row is named by its content, so what is heard is what is seen, with a few words more.
export const ProcessRow = memo(function ProcessRow(props: ProcessRowProps) {
  const { process, lang, gone, isInit } = props;
  const words = strings(lang);
  const row = useRef<HTMLDivElement>(null);
  useTouched(row, process, props.fresh);
  const rings = parseRings(props.rings);
  const args = isInit ? words.initNote : argsText(process);
  return (
    <div
      ref={row}
      {...(gone ? AFTER_IMAGE : treeItem(props))}
      className="tr-row"
      data-id={process.key}
      data-subject={subject.process(process.key)}
      data-gone={gone || undefined}
      data-fresh={props.fresh || undefined}
      data-highlighted={props.highlighted || undefined}
      data-state={process.state}
      style={{ '--level': props.level - 1 } as CSSProperties}
    >
      <Membranes text={props.membranes} />
      <span className="tr-cell tr-name" data-field="name">
        <Twist expanded={props.expanded} />
        {gone && <TombstoneMark />}
        {!gone && process.state === 'Z' && <ZombieMark />}
        {!gone && isPidOne(process) && <Crown title={words.pidOne} />}
        <span className="tr-comm">{process.comm || words.kernelName}</span>
        {args !== '' && (
          <span className="tr-args" data-note={isInit || undefined} title={args}>
            {args}
          </span>
        )}
        {!props.plainUser && <span className="tr-uid-inline">uid {process.uid.inside}</span>}
      </span>
      <Pids process={process} />
      <span
        className="tr-cell tr-rings"
        data-field="rings"
        data-many={rings.length > 5 ? 'rings' : rings.length > 3 ? 'letters' : undefined}
      >
        {rings.length > 0 && <span className="tr-sr">{words.ownNamespaces}</span>}
        {rings.map(({ kind, slot }) => (
          <RingChip key={kind} kind={kind} slot={slot} lang={lang} />
        ))}
        {process.cgroup !== '/' && (
          <span className="tr-cgroup" title={process.cgroup}>
            <NamespaceGlyph kind="cgroup" />
            <span>{process.cgroup}</span>
          </span>
        )}
      </span>
      <span className="tr-cell tr-state" data-field="state">
        <b>{process.state}</b>
        <span className="tr-word">{words.states[process.state]}</span>
      </span>
      <span className="tr-cell tr-tty" data-field="terminal">
        {process.terminal !== null && (
          <>
            <TerminalMark />
            pts/{process.terminal}
          </>
        )}
      </span>
      <span className="tr-cell tr-uid" data-field="uid" data-plain={props.plainUser || undefined}>
        {uidText(process)}
      </span>
    </div>
  );
});

/** A tombstone is seen, but is no part of the tree that is read aloud. */
const AFTER_IMAGE = { role: 'presentation', 'aria-hidden': true } as const;

function treeItem(props: ProcessRowProps) {
  return {
    role: 'treeitem',
    tabIndex: props.active ? 0 : -1,
    'aria-level': props.level,
    'aria-expanded': props.expanded,
    'aria-selected': props.selected,
  } as const;
}

/** `4711 → 7 → 1`: the host's dim, its own (the last) strong. */
function Pids({ process }: { process: ProcessState }) {
  const last = process.pids.length - 1;
  return (
    <span className="tr-cell tr-pids" data-field="pids">
      <span className="tr-sr">PID </span>
      {process.pids.map((pid, i) => (
        // The place of a pid in the list is what it means: the level of nesting.
        // biome-ignore lint/suspicious/noArrayIndexKey: the index is the identity
        <span key={i} data-last={i === last || undefined} data-nested={i > 1 || undefined}>
          {i > 0 && <i> → </i>}
          {pid}
        </span>
      ))}
    </span>
  );
}

/** Ring, glyph and the kind's name: three ways to tell it, one of them colour. */
export function RingChip({ kind, slot, lang }: { kind: NamespaceKind; slot: number; lang: Lang }) {
  const index = slot % RING_PATTERNS.length;
  const pattern = RING_PATTERNS[index]!;
  const turn = slot >= RING_PATTERNS.length ? slot + 1 : null;
  return (
    <span className="tr-chip" data-kind={kind} title={`${kind}, ${strings(lang).patterns[index]}`}>
      <NamespaceRing kind={kind} pattern={pattern} />
      <span className="tr-chip-letter" aria-hidden="true">
        {KIND_FACTS[kind].letter}
      </span>
      <span className="tr-chip-text">
        {kind}
        {turn !== null && <sub>{turn}</sub>}
      </span>
    </span>
  );
}

/** The glass around everything in one nested pid namespace: drawn row by row, closed at its ends. */
function Membranes({ text }: { text: string }) {
  if (text === '') return null;
  return text.split(' ').map((part) => {
    const [level, slot, ends] = part.split('/') as [string, string, string];
    return (
      <span
        key={level}
        className="tr-membrane"
        data-kind="pid"
        data-pattern={RING_PATTERNS[Number(slot) % RING_PATTERNS.length]}
        data-first={ends.includes('f') || undefined}
        data-last={ends.includes('l') || undefined}
        style={{ '--at': Number(level) - 1 } as CSSProperties}
      />
    );
  });
}

function parseRings(text: string): { kind: NamespaceKind; slot: number }[] {
  if (text === '') return [];
  return text.split(' ').map((part) => {
    const [kind, slot] = part.split('/') as [NamespaceKind, string];
    return { kind, slot: Number(slot) };
  });
}

/** Fields whose change is news. R and S alternate all the time and are not. */
function changedFields(before: ProcessState, after: ProcessState): string[] {
  const fields: string[] = [];
  if (before.comm !== after.comm || before.args.join('\0') !== after.args.join('\0'))
    fields.push('name');
  if (before.pids.join() !== after.pids.join()) fields.push('pids');
  if (before.state !== after.state && !isBusyness(before.state, after.state)) fields.push('state');
  if (before.uid.inside !== after.uid.inside || before.uid.outside !== after.uid.outside)
    fields.push('uid');
  if (before.terminal !== after.terminal) fields.push('terminal');
  const moved = Object.entries(after.namespaces).some(
    ([kind, inode]) => before.namespaces[kind as NamespaceKind] !== inode,
  );
  if (moved || before.cgroup !== after.cgroup) fields.push('rings');
  return fields;
}

function isBusyness(before: string, after: string): boolean {
  return 'RSD'.includes(before) && 'RSD'.includes(after);
}

function useTouched(
  row: React.RefObject<HTMLDivElement | null>,
  process: ProcessState,
  fresh: boolean,
): void {
  const before = useRef<ProcessState | null>(null);
  useEffect(() => {
    const element = row.current;
    if (element === null || before.current === process) return;
    if (before.current === null) {
      if (fresh) touch(element);
    } else {
      for (const field of changedFields(before.current, process)) {
        const cell = element.querySelector(`[data-field="${field}"]`);
        if (cell !== null) touch(cell);
      }
    }
    before.current = process;
  }, [process, fresh, row]);
}
