'use client';
/** What Run types, shown before it is typed. */
import type { Command } from '@terrarium/lesson';
import { useTexts } from '../i18n/use-texts';
import { keyName } from '../terminal/typing';

/** Commands as a learner would type them, grouped by terminal where there are two. */
export function CommandLines(props: { readonly commands: readonly Command[] }) {
  const { t } = useTexts();
  const severalTerminals = props.commands.some(({ terminal }) => terminal !== 1);
  return (
    <ol className="command-lines">
      {props.commands.map((command, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a lesson's commands never change their order
        <li key={index}>
          {'line' in command ? (
            <code>
              <span className="prompt" aria-hidden="true">
                ${' '}
              </span>
              {command.line}
            </code>
          ) : (
            <kbd>{t.step.key(keyName(command.key))}</kbd>
          )}
          {severalTerminals ? (
            <span className="command-terminal">{t.step.typeInto(command.terminal)}</span>
          ) : null}
        </li>
      ))}
    </ol>
  );
}
