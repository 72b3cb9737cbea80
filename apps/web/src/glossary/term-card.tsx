'use client';
/** The definition of a term, beside the word that was pressed. */
import Link from 'next/link';
import { Popover } from 'radix-ui';
import type { RefObject } from 'react';
import { useTexts } from '../i18n/use-texts';
import { glossaryStrings } from './strings';
import { termById } from './terms';

/** @param props.trigger the word; it has the focus again when the card is closed by a key */
export default function TermCard(props: {
  readonly id: string;
  readonly trigger: RefObject<HTMLButtonElement | null>;
  readonly onClose: () => void;
}) {
  const { id, trigger, onClose } = props;
  const { lang, pick } = useTexts();
  const term = termById(id);
  const anchor = trigger.current;
  if (term === undefined || anchor === null) return null;
  const s = glossaryStrings(lang);
  const other = term.name[lang === 'en' ? 'zh' : 'en'];
  return (
    <Popover.Root open onOpenChange={onClose}>
      <Popover.Anchor virtualRef={{ current: anchor }} />
      <Popover.Portal>
        <Popover.Content
          className="term-card"
          sideOffset={5}
          collisionPadding={12}
          aria-label={s.what(pick(term.name))}
          // A press on the word itself closes the card by its own click.
          onInteractOutside={(event) => {
            if (anchor.contains(event.target as Node)) event.preventDefault();
          }}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            if (document.activeElement === document.body) anchor.focus({ preventScroll: true });
          }}
        >
          <p className="term-name">
            {pick(term.name)}
            {other === pick(term.name) ? null : (
              <span lang={lang === 'en' ? 'zh-Hans' : 'en'}>{other}</span>
            )}
          </p>
          <p>{pick(term.text)}</p>
          <p className="term-more">
            <Link href={`/${lang}/glossary#${term.id}`}>{s.all}</Link>
          </p>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
