'use client';
/** Commands in the prose: each line of a shell block is a button that types it. */
import { useTexts } from '../i18n/use-texts';
import { useTerminals } from '../terminal/terminals';
import { Icon } from './icons';

/** @param props.text of the block, a command a line */
export function ShellBlock(props: { readonly text: string }) {
  const { t } = useTexts();
  const terminals = useTerminals();
  const lines = props.text.split('\n').filter((line) => line.trim() !== '');
  return (
    <div className="shell-block">
      {lines.map((line) => (
        <button
          key={line}
          type="button"
          title={t.step.typeThis}
          disabled={terminals.typing}
          onClick={() => void terminals.run([{ line, terminal: 1 }])}
        >
          <code>{line}</code>
          <Icon name="run" size={12} />
        </button>
      ))}
    </div>
  );
}
