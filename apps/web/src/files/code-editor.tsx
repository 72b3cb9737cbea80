'use client';
/**
 * One text in CodeMirror 6. Only this file imports it, and only the files' tab imports this file:
 * a lesson page is read without it. Colours are the terminal's tokens, so both themes come with them.
 */
import {
  defaultKeymap,
  history,
  historyField,
  historyKeymap,
  indentWithTab,
  isolateHistory,
} from '@codemirror/commands';
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  indentUnit,
  StreamLanguage,
  syntaxHighlighting,
} from '@codemirror/language';
import { c } from '@codemirror/legacy-modes/mode/clike';
import { dockerFile } from '@codemirror/legacy-modes/mode/dockerfile';
import { json } from '@codemirror/legacy-modes/mode/javascript';
import { python } from '@codemirror/legacy-modes/mode/python';
import { shell } from '@codemirror/legacy-modes/mode/shell';
import { yaml } from '@codemirror/legacy-modes/mode/yaml';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { EditorState, type Extension } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import type { OpenFile } from './files-store';

interface CodeEditorProps {
  readonly file: OpenFile;
  readonly label: string;
  /** id of the text that says how to leave */
  readonly help: string;
  readonly onText: (text: string) => void;
  readonly onSave: () => void;
}

/** Texts whose undo steps are kept while another one is shown. */
const KEPT_STATES = 20;
const kept = new Map<string, EditorState>();

export function CodeEditor(props: CodeEditorProps) {
  const { file } = props;
  const holder = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef(props);
  latest.current = props;

  // One view for each file: what was undone and selected in one is nothing to the other.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the rest is read when it is needed
  useEffect(() => {
    if (holder.current === null) return;
    const made = new EditorView({ parent: holder.current, state: stateOf(latest) });
    view.current = made;
    made.focus();
    return () => {
      keep(file.path, made.state);
      made.destroy();
      view.current = null;
    };
  }, [file.path, file.kernel, props.label]);

  // A text that came from the sandbox is shown; one that was typed is there already.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what comes from outside
  useEffect(() => {
    const now = view.current;
    if (now === null || now.state.sliceDoc() === file.text) return;
    now.dispatch({
      changes: { from: 0, to: now.state.doc.length, insert: file.text },
      selection: { anchor: Math.min(now.state.selection.main.anchor, file.text.length) },
      annotations: isolateHistory.of('full'),
    });
  }, [file.version]);

  return <div ref={holder} className="files-code" />;
}

function keep(path: string, state: EditorState): void {
  kept.delete(path);
  kept.set(path, state);
  const [oldest] = kept.keys();
  if (kept.size > KEPT_STATES && oldest !== undefined) kept.delete(oldest);
}

function stateOf(latest: { readonly current: CodeEditorProps }): EditorState {
  const { file, label, help } = latest.current;
  const old = kept.get(file.path);
  const extensions = [
    // CRLF stays what it is: a line ends with \n, and \r is shown.
    EditorState.lineSeparator.of('\n'),
    EditorState.readOnly.of(file.kernel !== null),
    EditorView.contentAttributes.of({ 'aria-label': label, 'aria-describedby': help }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) latest.current.onText(update.state.sliceDoc());
    }),
    keymap.of([
      {
        key: 'Mod-s',
        preventDefault: true,
        run: () => {
          latest.current.onSave();
          return true;
        },
      },
      indentWithTab,
      ...defaultKeymap,
      ...historyKeymap,
      ...searchKeymap,
    ]),
    ...looks(file),
  ];
  // The old state with its undo steps, unless the text has become another one meanwhile.
  if (old !== undefined && old.sliceDoc() === file.text) {
    return EditorState.fromJSON(old.toJSON(FIELDS), { extensions }, FIELDS);
  }
  return EditorState.create({ doc: file.text, extensions });
}

/** What of a state outlives its view, beside text and selection. */
const FIELDS = { history: historyField };

function looks(file: OpenFile): Extension[] {
  return [
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightSpecialChars(),
    history(),
    drawSelection(),
    indentOnInput(),
    indentUnit.of('  '),
    bracketMatching(),
    highlightActiveLine(),
    highlightSelectionMatches(),
    search({ top: true }),
    syntaxHighlighting(INKS),
    LOOK,
    ...languageOf(file),
  ];
}

/** By the name's end, else by the first line. */
function languageOf({ path, text }: OpenFile): Extension[] {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const found = LANGUAGES.find(([pattern]) => pattern.test(name));
  const parser =
    found?.[1] ?? (/^#!.*\bpython/.test(text) ? python : /^#!/.test(text) ? shell : null);
  return parser === null ? [] : [StreamLanguage.define(parser)];
}

const LANGUAGES = [
  [/\.(sh|bash)$|^\.?(bashrc|profile|bash_.*)$/, shell],
  [/\.json$/, json],
  [/\.ya?ml$/, yaml],
  [/\.[ch]$/, c],
  [/\.py$/, python],
  [/^(Dockerfile|Containerfile)/, dockerFile],
] as const;

const INKS = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--ink-3)', fontStyle: 'italic' },
  { tag: [tags.keyword, tags.operatorKeyword], color: 'var(--term-magenta)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--term-green)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--term-blue)' },
  { tag: [tags.propertyName, tags.definition(tags.variableName)], color: 'var(--term-cyan)' },
  { tag: [tags.variableName, tags.standard(tags.name)], color: 'var(--term-blue)' },
  { tag: [tags.meta, tags.typeName], color: 'var(--term-yellow)' },
  { tag: tags.invalid, color: 'var(--bad)' },
]);

const LOOK = EditorView.theme({
  '&': { height: '100%', backgroundColor: 'var(--term-ground)', color: 'var(--term-ink)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: '1.5' },
  '.cm-content': { caretColor: 'var(--term-cursor)' },
  '.cm-cursor': { borderLeftColor: 'var(--term-cursor)', borderLeftWidth: '2px' },
  '.cm-gutters': {
    backgroundColor: 'var(--raised)',
    color: 'var(--ink-3)',
    border: 'none',
    borderRight: '1px solid var(--line)',
  },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'transparent' },
  '&.cm-focused .cm-activeLineGutter': { color: 'var(--ink-1)', fontWeight: '600' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground':
    { backgroundColor: 'var(--term-selection)' },
  '.cm-selectionMatch': { backgroundColor: 'var(--accent-soft)' },
  '.cm-panels': { backgroundColor: 'var(--raised)', color: 'var(--ink-1)' },
  '.cm-specialChar': { color: 'var(--ink-3)' },
});
