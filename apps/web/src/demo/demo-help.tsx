'use client';
/** The keys of a presentation, and its recording. */
import { Dialog } from 'radix-ui';
import { IconButton } from '../components/button';
import { useTexts } from '../i18n/use-texts';
import { ExportDialog } from '../past/export-dialog';
import { demoStrings } from './strings';

/** Opened by `?`, F1 and the bar. */
export function DemoHelp(props: {
  readonly lesson: string;
  readonly open: boolean;
  readonly onOpen: (open: boolean) => void;
}) {
  const { lang } = useTexts();
  const words = demoStrings(lang);
  return (
    <Dialog.Root open={props.open} onOpenChange={props.onOpen}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="dialog" aria-describedby={undefined}>
          <div className="dialog-head">
            <Dialog.Title className="dialog-title">{words.help}</Dialog.Title>
            <Dialog.Close asChild>
              <IconButton icon="close" label={words.close} />
            </Dialog.Close>
          </div>
          <dl className="keys">
            {words.keys.map(([keys, meaning]) => (
              <div key={keys}>
                <dt>
                  <kbd>{keys}</kbd>
                </dt>
                <dd>{meaning}</dd>
              </div>
            ))}
          </dl>
          <p className="dialog-text">
            {words.recording} <ExportDialog lesson={props.lesson} />
          </p>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
