'use client';
/** All steps, to go to any of them: with the state in which it begins, or only its slide. */
import type { Lesson } from '@terrarium/lesson';
import { Dialog } from 'radix-ui';
import { Button, IconButton } from '../components/button';
import { SaveFiles } from '../files/save-files';
import { useTexts } from '../i18n/use-texts';
import { demoStrings } from './strings';
import type { Demo } from './use-demo';

/** Opened by J and the bar. */
export function JumpDialog(props: {
  readonly lesson: Lesson;
  readonly demo: Demo;
  readonly open: boolean;
  readonly onOpen: (open: boolean) => void;
}) {
  const { demo, onOpen } = props;
  const { lang, pick } = useTexts();
  const words = demoStrings(lang);
  const go = (slide: number, withState: boolean): void => {
    onOpen(false);
    demo.jump(slide, withState);
  };
  return (
    <Dialog.Root open={props.open} onOpenChange={onOpen}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="dialog">
          <div className="dialog-head">
            <Dialog.Title className="dialog-title">{words.jumpTitle}</Dialog.Title>
            <Dialog.Close asChild>
              <IconButton icon="close" label={words.close} />
            </Dialog.Close>
          </div>
          <Dialog.Description className="dialog-text">{words.jumpBody}</Dialog.Description>
          <SaveFiles />
          <ol className="demo-steps">
            {props.lesson.steps.map((step, index) => {
              const slide = index + 1;
              const title = pick(step.title);
              return (
                <li key={step.id} aria-current={demo.place.slide === slide ? 'step' : undefined}>
                  <button
                    type="button"
                    className="demo-step"
                    disabled={demo.busy !== null}
                    onClick={() => go(slide, true)}
                  >
                    {slide}. {title}
                  </button>
                  <Button
                    look="quiet"
                    aria-label={words.onlyShowName(title)}
                    onClick={() => go(slide, false)}
                  >
                    {words.onlyShow}
                  </Button>
                </li>
              );
            })}
          </ol>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
