'use client';
/**
 * What each command did to the kernel: at the left the commands, at the right what appeared,
 * changed, vanished or passed because of the chosen one, in words and object by object.
 */
import { type CommandDiff, type CommandSpan, describeDiff, type State } from '@terrarium/timeline';
import { EmptyVessel } from '../logo.js';
import type { Lang } from '../strings.js';
import { CommandList, noteText } from './command-list.js';
import { DiffTree } from './diff-tree.js';
import { diffStrings } from './strings.js';

export interface DiffViewProps {
  /** commands to choose from, oldest first */
  readonly commands: readonly CommandSpan[];
  /** the chosen one's diff; null while nothing is chosen */
  readonly diff: CommandDiff | null;
  readonly onChoose: (command: string) => void;
  readonly state: State;
  readonly lang: Lang;
  readonly past?: boolean;
}

/** Sentences of the summary; the tree below has all of it. */
const SENTENCES = 4;

export function DiffView(props: DiffViewProps) {
  const { commands, diff, state, lang } = props;
  const words = diffStrings(lang);
  return (
    <div className="tr-view tr-diff" data-past={props.past || undefined}>
      {commands.length === 0 ? (
        <div className="tr-main">
          <Note title={words.noCommands} help={words.noCommandsHelp} drawn />
        </div>
      ) : (
        <div className="tr-diff-frame">
          <div className="tr-scroll">
            <CommandList
              commands={commands}
              chosen={diff?.command.id ?? null}
              lang={lang}
              picture={state.sandbox?.id ?? null}
              onChoose={props.onChoose}
            />
          </div>
          <div className="tr-diff-side">
            {diff === null ? (
              <Note title={words.choose} help="" drawn />
            ) : (
              <Chosen state={state} diff={diff} lang={lang} />
            )}
          </div>
        </div>
      )}
    </div>
  );
}

function Chosen(props: { readonly state: State; readonly diff: CommandDiff; readonly lang: Lang }) {
  const { state, diff, lang } = props;
  const words = diffStrings(lang);
  const { command } = diff;
  const running = command.endedAt === null;
  const line = command.line ?? words.unnamed;
  const leftNothing = [diff.appeared, diff.changed, diff.vanished].every(isNone);
  const isEmpty = leftNothing && isNone(diff.passed);
  return (
    <>
      <header className="tr-diff-head">
        <h3>
          <span aria-hidden="true">$ </span>
          {line}
        </h3>
        <p>
          {noteText(command, lang)}
          {command.inferred && ` · ${words.inferred}`}
        </p>
        {leftNothing && !isEmpty && !running && <b>{words.nothing}</b>}
        {!leftNothing && <Summary diff={diff} lang={lang} />}
      </header>
      {isEmpty ? (
        <Note
          title={running ? words.nothingYet : words.nothing}
          help={running ? '' : words.nothingHelp}
        />
      ) : (
        <DiffTree key={command.id} state={state} diff={diff} lang={lang} label={words.diff(line)} />
      )}
      {running && !isEmpty && <p className="tr-diff-more">{words.more}</p>}
    </>
  );
}

function isNone(list: readonly unknown[]): boolean {
  return list.length === 0;
}

function Summary({ diff, lang }: { readonly diff: CommandDiff; readonly lang: Lang }) {
  const sentences = describeDiff(diff, lang);
  const rest = sentences.length - SENTENCES;
  return (
    <ul className="tr-diff-summary">
      {sentences.slice(0, SENTENCES).map((sentence) => (
        <li key={sentence}>{sentence}</li>
      ))}
      {rest > 0 && <li className="tr-dim">+{rest}</li>}
    </ul>
  );
}

function Note(props: { readonly title: string; readonly help: string; readonly drawn?: boolean }) {
  return (
    <div className="tr-empty tr-tape-empty">
      {props.drawn && <EmptyVessel />}
      <p>
        <b>{props.title}</b>
      </p>
      {props.help !== '' && <p>{props.help}</p>}
    </div>
  );
}
