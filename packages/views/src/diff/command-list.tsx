'use client';
/** The commands as a tree: one that a shell ran which another command started stands below it. */
import { type CommandSpan, type Subject, subject } from '@terrarium/timeline';
import { useLayoutEffect, useMemo } from 'react';
import type { Lang } from '../strings.js';
import { treeItem } from '../tree-item.js';
import { useAppear } from '../use-appear.js';
import type { Look } from '../use-hover-intent.js';
import { useRowTree } from '../use-row-tree.js';
import type { TreeKeyRow } from '../use-tree-keys.js';
import { diffStrings } from './strings.js';

interface CommandRow extends TreeKeyRow {
  readonly span: CommandSpan;
  readonly position: number;
  readonly setSize: number;
  readonly subject: Subject;
}

/** Pointing at a command shows nothing of its own: it is chosen, or not. */
const NO_LOOK: Look<string> = { soon: () => {}, now: () => {}, cancel: () => {} };

export function CommandList(props: {
  readonly commands: readonly CommandSpan[];
  readonly chosen: string | null;
  readonly lang: Lang;
  readonly picture: string | null;
  readonly onChoose: (command: string) => void;
}) {
  const { commands, chosen, lang, onChoose } = props;
  const words = diffStrings(lang);
  const rows = useMemo(() => commandRows(commands), [commands]);
  const tree = useRowTree<string>(rows, {
    thingOf: (id) => id,
    toggle: () => {},
    choose: onChoose,
    look: NO_LOOK,
  });
  const ids = useMemo(() => rows.map(({ id }) => id), [rows]);
  useAppear(tree.ref, ids, props.picture);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the chosen one is kept in sight
  useLayoutEffect(() => {
    const row = tree.ref.current?.querySelector('[aria-selected="true"]');
    row?.scrollIntoView?.({ block: 'nearest' });
  }, [chosen, commands.length]);
  return (
    <div {...tree.props} role="tree" aria-label={words.commands} className="tr-commands">
      {rows.map((row) => (
        <div
          key={row.id}
          {...treeItem(row, { active: row.id === tree.active, selected: row.id === chosen })}
          className="tr-row tr-command"
          data-appear={row.id}
          data-subject={row.subject}
          data-status={statusOf(row.span)}
        >
          <StatusMark span={row.span} />
          <span className="tr-command-line" title={row.text}>
            {row.text || words.unnamed}
          </span>
          <span className="tr-command-note">{shortNote(row.span, lang)}</span>
        </div>
      ))}
    </div>
  );
}

type Status = 'running' | 'good' | 'bad' | 'ended';

function statusOf({ endedAt, exitCode }: CommandSpan): Status {
  if (endedAt === null) return 'running';
  if (exitCode === null) return 'ended';
  return exitCode === 0 ? 'good' : 'bad';
}

const MARKS: Readonly<Record<Status, string>> = { running: '…', good: '✓', bad: '✗', ended: '·' };

function StatusMark({ span }: { readonly span: CommandSpan }) {
  return (
    <span className="tr-command-mark" aria-hidden="true">
      {MARKS[statusOf(span)]}
    </span>
  );
}

/** `exit status 1 · 0.3 s`; what went well is only timed. */
export function noteText(span: CommandSpan, lang: Lang): string {
  const words = diffStrings(lang);
  if (span.endedAt === null) return words.running;
  const took = words.took(secondsText((span.endedAt - span.startedAt) / 1000));
  const failed = span.exitCode !== null && span.exitCode !== 0;
  return failed ? `${words.exit(span.exitCode)} · ${took}` : took;
}

/** Shorter commands than this did not take time, seconds: the list has no room for it. */
const WORTH_TIMING_S = 0.5;

/** One word, as the list is narrow: how it failed, else how long it took. */
function shortNote(span: CommandSpan, lang: Lang): string {
  const words = diffStrings(lang);
  if (span.endedAt === null) return words.running;
  if (span.exitCode !== null && span.exitCode !== 0) return words.exitShort(span.exitCode);
  const seconds = (span.endedAt - span.startedAt) / 1000;
  return seconds < WORTH_TIMING_S ? '' : words.took(secondsText(seconds));
}

function secondsText(seconds: number): string {
  return seconds < 10 ? seconds.toFixed(1) : `${Math.round(seconds)}`;
}

function commandRows(commands: readonly CommandSpan[]): readonly CommandRow[] {
  const known = new Set(commands.map(({ id }) => id));
  const below = new Map<string | null, CommandSpan[]>();
  for (const span of commands) {
    const above = span.within !== null && known.has(span.within) ? span.within : null;
    below.set(above, [...(below.get(above) ?? []), span]);
  }
  const rows: CommandRow[] = [];
  const place = (spans: readonly CommandSpan[], level: number): void => {
    spans.forEach((span, i) => {
      const { id, line } = span;
      const children = below.get(id) ?? [];
      rows.push({
        ...{ id, span, level, text: line ?? '', subject: subject.command(id) },
        ...{ position: i + 1, setSize: spans.length, expanded: undefined },
      });
      place(children, level + 1);
    });
  };
  place(below.get(null) ?? [], 1);
  return rows;
}
