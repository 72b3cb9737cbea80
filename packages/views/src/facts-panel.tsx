'use client';
/**
 * The card beside a tree: it shows what the pointer or the keyboard last came upon and stays until
 * something else is looked at; a pinned one stays until it is released. Not a tooltip: a person
 * can read it, select from it and press its buttons.
 */
import { type ReactNode, useId } from 'react';
import { PinMark } from './glyphs.js';
import { Logo } from './logo.js';
import { type Lang, strings } from './strings.js';

export function FactsPanel(props: {
  readonly lang: Lang;
  /** null while nothing has been looked at */
  readonly title: ReactNode | null;
  readonly pinned: boolean;
  readonly onPin: () => void;
  readonly children?: ReactNode;
}) {
  const words = strings(props.lang);
  const heading = useId();
  if (props.title === null) {
    return (
      <aside className="tr-facts" data-empty aria-label={words.facts}>
        <Logo size={56} />
        <p>{words.factsHint}</p>
      </aside>
    );
  }
  return (
    <aside className="tr-facts" aria-labelledby={heading} data-pinned={props.pinned || undefined}>
      <header>
        <h3 id={heading}>{props.title}</h3>
        <button type="button" className="tr-pin" aria-pressed={props.pinned} onClick={props.onPin}>
          <PinMark />
          {props.pinned ? words.unpin : words.pin}
        </button>
      </header>
      {props.children}
    </aside>
  );
}

/** One fact: what it is, and its value. */
export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="tr-fact">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Where the same facts stand without this page: files, manuals, and commands to be shown. */
export function LookYourself(props: {
  readonly lang: Lang;
  readonly paths: readonly string[];
  readonly manuals: readonly string[];
  readonly commands: readonly string[];
  readonly onShowInTerminal?: ((command: string) => void) | undefined;
}) {
  const words = strings(props.lang);
  const { onShowInTerminal } = props;
  return (
    <section className="tr-look">
      <h4>{words.lookYourself}</h4>
      <p className="tr-paths">
        {props.paths.map((path) => (
          <code key={path}>{path}</code>
        ))}
        {props.manuals.map((manual) => (
          <code key={manual} className="tr-manual">
            {manual}
          </code>
        ))}
      </p>
      {onShowInTerminal !== undefined && (
        <ul aria-label={words.showInTerminal}>
          {props.commands.map((command) => (
            <li key={command}>
              <button
                type="button"
                className="tr-show"
                aria-label={words.showCommand(command)}
                title={words.showInTerminal}
                onClick={() => onShowInTerminal(command)}
              >
                <span aria-hidden="true">$</span>
                <code>{command}</code>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
