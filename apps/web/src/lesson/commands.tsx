'use client';
/** What Run types, shown before it is typed. */
import type { Command } from '@terrarium/lesson';
import { useTexts } from '../i18n/use-texts';
import { keyName, type PlacedCommand, placeCommands } from '../terminal/typing';

/** Commands as a learner would type them; where there are two terminals, under the name of each. */
export function CommandLines(props: { readonly commands: readonly Command[] }) {
  const { t } = useTexts();
  const groups = groupByTerminal(placeCommands(props.commands));
  const named = groups.some(({ terminal }) => terminal !== 1);
  return (
    <div className="command-lines">
      {groups.map(({ terminal, commands }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a lesson's commands never change their order
        <div key={index} className="command-group">
          {named ? <p className="command-terminal">{t.step.typeInto(terminal)}</p> : null}
          <ol>
            {commands.map((placed, line) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: as above
              <li key={line}>
                <CommandLine placed={placed} />
              </li>
            ))}
          </ol>
        </div>
      ))}
    </div>
  );
}

function CommandLine(props: { readonly placed: PlacedCommand }) {
  const { t } = useTexts();
  const { command, continued } = props.placed;
  if ('key' in command) return <kbd>{t.step.key(keyName(command.key))}</kbd>;
  return (
    <code>
      <span className="prompt" aria-hidden="true">
        {continued ? '> ' : '$ '}
      </span>
      {command.line}
    </code>
  );
}

interface Group {
  readonly terminal: number;
  readonly commands: PlacedCommand[];
}

function groupByTerminal(placed: readonly PlacedCommand[]): readonly Group[] {
  const groups: Group[] = [];
  for (const one of placed) {
    const last = groups.at(-1);
    if (last?.terminal === one.command.terminal) last.commands.push(one);
    else groups.push({ terminal: one.command.terminal, commands: [one] });
  }
  return groups;
}
