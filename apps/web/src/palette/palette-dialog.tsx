'use client';
import { useRouter } from 'next/navigation';
/** The command palette: one field over everything that can be found or done. */
import { Dialog } from 'radix-ui';
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from 'react';
import { useTexts } from '../i18n/use-texts';
import { type SearchEntry, search, searchIndex } from '../search/search';
import { matching, paletteActions } from './actions';
import { paletteStrings } from './strings';
import { usePageActions } from './use-page-actions';

/** One row of the list. */
interface Row {
  readonly key: string;
  readonly group: string;
  readonly title: string;
  readonly detail: string;
  run(): void;
}

/** Rows that are shown at most, of each sort. */
const MOST = 12;

interface DialogProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
}

/** @param props.open it stays on the page when it was opened once, so that it keeps what it read */
export function PaletteDialog({ open, onOpenChange }: DialogProps) {
  const { lang } = useTexts();
  const s = paletteStrings(lang);
  const index = useIndex(open);
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="dialog palette" aria-describedby={undefined}>
          <Dialog.Title className="tr-sr">{s.title}</Dialog.Title>
          <Finder index={index} onDone={() => onOpenChange(false)} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Finder(props: { readonly index: Index; readonly onDone: () => void }) {
  const { index, onDone } = props;
  const { lang } = useTexts();
  const s = paletteStrings(lang);
  const [query, setQuery] = useState('');
  const [at, setAt] = useState(0);
  const rows = useRows(index, query, onDone);
  const id = useId();
  const chosen = Math.min(at, rows.length - 1);
  const onKey = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return; // Enter chooses a word of the input method
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && rows.length > 0) {
      event.preventDefault();
      setAt((chosen + step + rows.length) % rows.length);
    }
    if (event.key === 'Enter') {
      event.preventDefault();
      rows[chosen]?.run();
    }
  };
  return (
    <>
      <input
        className="palette-field"
        type="text"
        role="combobox"
        aria-expanded
        aria-controls={id}
        aria-activedescendant={rows.length > 0 ? `${id}-${chosen}` : undefined}
        aria-label={s.title}
        aria-autocomplete="list"
        placeholder={s.placeholder}
        spellCheck={false}
        autoComplete="off"
        value={query}
        onKeyDown={onKey}
        onChange={(event) => {
          setQuery(event.target.value);
          setAt(0);
        }}
      />
      <PaletteList id={id} rows={rows} chosen={chosen} onChoose={setAt} />
      <p className="palette-note" role="status">
        {noteOf(index, query, rows.length, s)}
      </p>
    </>
  );
}

function noteOf(
  index: Index,
  query: string,
  rows: number,
  s: ReturnType<typeof paletteStrings>,
): string {
  if (index === 'loading') return s.loading;
  if (index === 'failed') return s.failed;
  return rows === 0 && query.trim() !== '' ? s.nothing : s.keys;
}

function PaletteList(props: {
  readonly id: string;
  readonly rows: readonly Row[];
  readonly chosen: number;
  readonly onChoose: (at: number) => void;
}) {
  const { id, rows, chosen, onChoose } = props;
  const { lang } = useTexts();
  const active = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever another row is chosen
  useEffect(() => {
    // In braces: newer browsers answer with a promise, which is no clean-up.
    active.current?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  return (
    <div id={id} className="palette-list" role="listbox" aria-label={paletteStrings(lang).list}>
      {rows.map((row, index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the focus and the keys
        <div
          key={row.key}
          id={`${id}-${index}`}
          ref={index === chosen ? active : null}
          className="palette-row"
          role="option"
          tabIndex={-1}
          aria-selected={index === chosen}
          onPointerMove={() => onChoose(index)}
          onClick={row.run}
        >
          <span className="palette-group">{row.group}</span>
          <span className="palette-title">{row.title}</span>
          <span className="palette-detail">{row.detail}</span>
        </div>
      ))}
    </div>
  );
}

/** Actions first where the query names one, then what was found. */
function useRows(index: Index, query: string, onDone: () => void): readonly Row[] {
  const { lang } = useTexts();
  const router = useRouter();
  const own = usePageActions();
  // What the page can do does not change while the palette lies over it.
  const [here] = useState(paletteActions);
  return useMemo(() => {
    const s = paletteStrings(lang);
    const act = (run: () => void) => () => {
      onDone();
      // After the dialog has given the focus back: an action may want to have it.
      setTimeout(run, 0);
    };
    const actions = matching([...here, ...own], query).map((action) => ({
      key: action.id,
      group: action.group,
      title: action.title,
      detail: action.keys ?? '',
      run: act(action.run),
    }));
    const entries = typeof index === 'string' ? [] : index;
    const hits =
      query.trim() === ''
        ? entries.filter(({ kind }) => kind === 'lesson').map((entry) => ({ entry, snippet: '' }))
        : search(entries, query, MOST);
    const found = hits.map(({ entry, snippet }) => ({
      key: entry.href,
      group: s.kinds[entry.kind],
      title: entry.kind === 'lesson' ? `${entry.place} ${entry.title}` : entry.title,
      detail: entry.kind === 'step' ? `${entry.place} · ${snippet}` : snippet,
      run: act(() => goTo(router, entry.href)),
    }));
    return query.trim() === '' ? [...actions, ...found] : [...actions.slice(0, MOST), ...found];
  }, [lang, router, own, here, index, query, onDone]);
}

/** A step of the open lesson is opened by its address; anything else is another page. */
function goTo(router: ReturnType<typeof useRouter>, href: string): void {
  const url = new URL(href, window.location.href);
  if (url.pathname === window.location.pathname && url.hash !== '') {
    window.location.hash = url.hash;
  } else router.push(href);
}

type Index = readonly SearchEntry[] | 'loading' | 'failed';

/** Reads what can be found, once; again after a failure, when the palette is opened again. */
function useIndex(open: boolean): Index {
  const { lang } = useTexts();
  const [index, setIndex] = useState<Index>('loading');
  const known = typeof index !== 'string';
  useEffect(() => {
    if (!open || known) return;
    const gone = new AbortController();
    setIndex('loading');
    fetch(`/${lang}/search.json`, { signal: gone.signal })
      .then(async (answer) => {
        if (!answer.ok) throw new Error(`search.json: status ${answer.status}`);
        setIndex(searchIndex.parse(await answer.json()).entries);
      })
      .catch((error: unknown) => {
        if (gone.signal.aborted) return;
        console.warn('terrarium: no search', error);
        setIndex('failed');
      });
    return () => gone.abort();
  }, [open, known, lang]);
  return index;
}
