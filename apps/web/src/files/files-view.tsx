'use client';
/** The tab Files: the sandbox's folders, the open files, and an editor for one of them. */
import { AlertDialog } from 'radix-ui';
import { lazy, Suspense, useEffect, useId, useRef, useState, useSyncExternalStore } from 'react';
import { Button, IconButton } from '../components/button';
import { useTexts } from '../i18n/use-texts';
import { useLabPart } from '../live/use-lab';
import { FileTree } from './file-tree';
import { isDirty, type OpenFile, type Question, filesStore as store } from './files-store';
import { fileStrings, refusalText } from './strings';

/** As large as the whole page's own code: only who opens a file pays for it. */
const CodeEditor = lazy(async () => ({ default: (await import('./code-editor')).CodeEditor }));

export function FilesView() {
  const { lang } = useTexts();
  const words = fileStrings(lang);
  const state = useSyncExternalStore(store.subscribe, store.get, store.get);
  const past = useLabPart((lab) => lab.past !== null);
  const file = state.files.find(({ path }) => path === state.active) ?? null;
  useEffect(() => {
    if (store.get().folders.size === 0) void store.toggleFolder('/').then(openHome);
    else void store.refresh();
  }, []);
  return (
    <div className="files">
      <div className="files-side">
        <PathField busy={state.busy} />
        <FileTree store={store} state={state} onFile={(path) => void store.open(path)} />
      </div>
      <div className="files-main">
        <OpenFiles files={state.files} active={state.active} />
        {past ? <p className="files-note quiet">{words.now}</p> : null}
        <Messages question={state.question} error={state.error} saved={state.saved} file={file} />
        {file === null ? (
          <div className="gate">
            <p>{words.empty}</p>
            <p className="quiet">{words.emptyHelp}</p>
          </div>
        ) : (
          <OneFile file={file} busy={state.busy} />
        )}
      </div>
    </div>
  );
}

/** Where a learner's files are. */
async function openHome(): Promise<void> {
  if (!store.get().folders.has('/root')) await store.toggleFolder('/root');
}

function PathField(props: { readonly busy: boolean }) {
  const { lang } = useTexts();
  const words = fileStrings(lang);
  const [path, setPath] = useState('');
  const [hint, setHint] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  return (
    <form
      className="files-path"
      onSubmit={(event) => {
        event.preventDefault();
        const wanted = path.trim();
        // As a shell in the learner's home would take it.
        if (wanted !== '') void store.open(wanted.startsWith('/') ? wanted : `/root/${wanted}`);
        setHint(false);
      }}
    >
      <div className="files-path-row">
        <input
          ref={input}
          type="text"
          aria-label={words.path}
          placeholder={words.pathHint}
          spellCheck={false}
          autoCapitalize="off"
          value={path}
          onChange={(event) => setPath(event.target.value)}
        />
        <Button type="submit" disabled={props.busy}>
          {words.go}
        </Button>
        <IconButton
          icon="plus"
          label={words.newFile}
          onClick={() => {
            setPath('/root/');
            setHint(true);
            input.current?.focus();
          }}
        />
        <IconButton icon="reset" label={words.refresh} onClick={() => void store.refresh()} />
      </div>
      {hint ? (
        <p className="quiet" role="status">
          {words.newHint}
        </p>
      ) : null}
    </form>
  );
}

function OpenFiles(props: { readonly files: readonly OpenFile[]; readonly active: string | null }) {
  const { lang } = useTexts();
  const words = fileStrings(lang);
  const [closing, setClosing] = useState<string | null>(null);
  if (props.files.length === 0) return null;
  return (
    <div className="files-open" role="toolbar" aria-label={words.open}>
      {props.files.map((file) => (
        <span key={file.path} className="terminal-tab" data-active={file.path === props.active}>
          <button
            type="button"
            className="tab"
            aria-pressed={file.path === props.active}
            title={file.path}
            onClick={() => void store.show(file.path)}
          >
            {file.path.slice(file.path.lastIndexOf('/') + 1)}
            {isDirty(file) ? (
              <span className="files-dirty">
                <span aria-hidden="true">●</span>
                <span className="sr-only">{words.unsaved}</span>
              </span>
            ) : null}
          </button>
          <IconButton
            icon="close"
            className="tab-close"
            label={words.close(file.path)}
            onClick={() => (isDirty(file) ? setClosing(file.path) : store.close(file.path))}
          />
        </span>
      ))}
      <DiscardDialog path={closing} onEnd={() => setClosing(null)} />
    </div>
  );
}

function DiscardDialog(props: { readonly path: string | null; readonly onEnd: () => void }) {
  const { lang } = useTexts();
  const words = fileStrings(lang);
  const { path, onEnd } = props;
  return (
    <AlertDialog.Root open={path !== null} onOpenChange={(open) => !open && onEnd()}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="overlay" />
        <AlertDialog.Content className="dialog dialog-small">
          <AlertDialog.Title className="dialog-title">
            {words.discardTitle(path ?? '')}
          </AlertDialog.Title>
          <AlertDialog.Description className="dialog-text">
            {words.discardBody}
          </AlertDialog.Description>
          <div className="dialog-actions">
            <AlertDialog.Cancel asChild>
              <Button>{words.keep}</Button>
            </AlertDialog.Cancel>
            <AlertDialog.Action asChild>
              <Button look="danger" onClick={() => path !== null && store.close(path)}>
                {words.discard}
              </Button>
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

/** What has to be decided, what was refused, what was saved: above the text, and spoken. */
function Messages(props: {
  readonly question: Question | null;
  readonly error: string | null;
  readonly saved: string | null;
  readonly file: OpenFile | null;
}) {
  const { lang } = useTexts();
  const words = fileStrings(lang);
  const { question, error, saved } = props;
  return (
    <>
      <p className="sr-only" role="status">
        {saved === null ? '' : words.saved(saved)}
      </p>
      {question === null ? null : <Decision question={question} />}
      {error === null ? null : (
        <div className="files-message" role="alert">
          <p>{error === 'offline' ? words.offline : refusalText(error, lang)}</p>
          <Button look="quiet" onClick={() => store.dismiss()}>
            {words.dismiss}
          </Button>
        </div>
      )}
    </>
  );
}

function Decision(props: { readonly question: Question }) {
  const { lang } = useTexts();
  const words = fileStrings(lang);
  const { kind, path } = props.question;
  const text = {
    changed: words.changed,
    gone: words.gone,
    exists: words.exists,
    missing: words.missing,
  };
  return (
    <div className="files-message" role="alert">
      <p>{text[kind](path)}</p>
      {kind === 'changed' || kind === 'exists' ? (
        <>
          <Button look="danger" onClick={() => void store.save(path, true)}>
            {words.overwrite}
          </Button>
          <Button onClick={() => void store.reload(path)}>{words.takeTheirs}</Button>
        </>
      ) : (
        <Button
          look="primary"
          onClick={() => (kind === 'gone' ? void store.saveAnew(path) : store.create(path))}
        >
          {words.create}
        </Button>
      )}
      <Button look="quiet" onClick={() => store.dismiss()}>
        {words.dismiss}
      </Button>
    </div>
  );
}

function OneFile(props: { readonly file: OpenFile; readonly busy: boolean }) {
  const { lang } = useTexts();
  const words = fileStrings(lang);
  const { file, busy } = props;
  const help = useId();
  return (
    <>
      <div className="files-bar">
        <code className="files-where" title={file.path}>
          {file.path}
        </code>
        {file.mtime === null ? <span className="quiet">{words.isNew}</span> : null}
        {file.kernel === null ? (
          <Button
            look="primary"
            disabled={busy || !isDirty(file)}
            onClick={() => void store.save(file.path)}
          >
            {busy ? words.saving : words.save}
          </Button>
        ) : (
          <Button onClick={() => void store.reload(file.path)}>{words.reload}</Button>
        )}
      </div>
      {file.kernel === null ? null : (
        <p className="files-note quiet">{words.readOnly(file.kernel)}</p>
      )}
      <Suspense fallback={<p className="files-note quiet">{words.loading}</p>}>
        <CodeEditor
          file={file}
          label={words.editor(file.path)}
          help={help}
          onText={(text) => store.edit(file.path, text)}
          onSave={() => void store.save(file.path)}
        />
      </Suspense>
      <p id={help} className="files-help quiet">
        {words.leave}
      </p>
    </>
  );
}
