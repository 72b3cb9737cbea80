'use client';
/** Saves the session as a file, or as a page that plays it. Made here in the browser. */
import { DEFAULT_RECORDING_BYTES } from '@terrarium/timeline';
import { Dialog } from 'radix-ui';
import { useState } from 'react';
import { Button } from '../components/button';
import { download } from '../components/download';
import { useTexts } from '../i18n/use-texts';
import { useLabStore } from '../live/use-lab';
import { useTerminals } from '../terminal/terminals';
import { makeRecording } from './make-recording';
import { playerPage } from './player-page';
import { type PastStrings, pastStrings } from './strings';

type Progress =
  | { readonly at: 'idle' }
  | { readonly at: 'writing'; readonly percent: number }
  | { readonly at: 'done'; readonly bytes: number; readonly isCut: boolean }
  | { readonly at: 'failed'; readonly why: string };

export function ExportDialog(props: { readonly lesson: string }) {
  const { lang } = useTexts();
  const words = pastStrings(lang);
  const store = useLabStore();
  const terminals = useTerminals();
  const [progress, setProgress] = useState<Progress>({ at: 'idle' });
  const save = async (as: 'file' | 'page'): Promise<void> => {
    setProgress({ at: 'writing', percent: 0 });
    try {
      await store.recall();
      const { bytes, end } = await makeRecording({
        history: store.get().history,
        tapes: terminals.tapes(),
        lessonRecords: store.lessonRecords,
        serverTime: (t) => store.serverTime(t),
        lesson: props.lesson,
        lang,
        onProgress: (done) => setProgress({ at: 'writing', percent: Math.round(done * 100) }),
      });
      const name = fileName(props.lesson);
      if (as === 'file') download(new Blob([bytes]), `${name}.terrarium`);
      else download(await playerPage(bytes, words.noPlayer), `${name}.html`);
      setProgress({ at: 'done', bytes: bytes.length, isCut: end !== 'closed' });
    } catch (error) {
      setProgress({ at: 'failed', why: error instanceof Error ? error.message : String(error) });
    }
  };
  const busy = progress.at === 'writing';
  return (
    <Dialog.Root onOpenChange={() => setProgress({ at: 'idle' })}>
      <Dialog.Trigger asChild>
        <Button look="quiet">{words.export}</Button>
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="dialog dialog-small">
          <Dialog.Title className="dialog-title">{words.exportTitle}</Dialog.Title>
          <Dialog.Description className="dialog-text">{words.exportBody}</Dialog.Description>
          <p className="dialog-text">{words.exportCap(sizeText(DEFAULT_RECORDING_BYTES))}</p>
          <p className="dialog-text">{words.exportPageWhat}</p>
          <p className="dialog-text" role="status">
            {progressText(progress, words)}
          </p>
          <div className="dialog-actions">
            <Dialog.Close asChild>
              <Button>{words.close}</Button>
            </Dialog.Close>
            <Button disabled={busy} onClick={() => void save('page')}>
              {words.exportPage}
            </Button>
            <Button look="primary" disabled={busy} onClick={() => void save('file')}>
              {words.exportFile}
            </Button>
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function progressText(progress: Progress, words: PastStrings): string {
  switch (progress.at) {
    case 'idle':
      return '';
    case 'writing':
      return words.exporting(progress.percent);
    case 'done': {
      const size = sizeText(progress.bytes);
      return progress.isCut ? words.exportedCut(size) : words.exported(size);
    }
    case 'failed':
      return words.exportFailed(progress.why);
  }
}

/** `843 KiB`, `1.2 MiB` */
function sizeText(bytes: number): string {
  const mebibytes = bytes / 1024 / 1024;
  if (mebibytes < 1) return `${Math.max(1, Math.round(bytes / 1024))} KiB`;
  return `${mebibytes < 10 ? mebibytes.toFixed(1) : Math.round(mebibytes)} MiB`;
}

/** `containers-03-2026-11-22-2104` */
function fileName(lesson: string): string {
  const now = new Date(Date.now() - new Date().getTimezoneOffset() * 60_000).toISOString();
  return `${lesson.replace('/', '-')}-${now.slice(0, 10)}-${now.slice(11, 16).replace(':', '')}`;
}
