'use client';
/** What the page is and which keys it knows. F1 opens it. */
import { Dialog } from 'radix-ui';
import { useEffect, useState } from 'react';
import { useTexts } from '../i18n/use-texts';
import { useLabPart } from '../live/use-lab';
import { IconButton } from './button';

/** The button and its dialog. */
export function HelpDialog() {
  const { t } = useTexts();
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      // In the terminal, F1 is the programs'.
      if (event.key !== 'F1' || isInTerminal(event.target)) return;
      event.preventDefault();
      setOpen(true);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger asChild>
        <IconButton icon="help" label={t.nav.help} />
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="dialog">
          <div className="dialog-head">
            <Dialog.Title className="dialog-title">{t.help.title}</Dialog.Title>
            <Dialog.Close asChild>
              <IconButton icon="close" label={t.help.close} />
            </Dialog.Close>
          </div>
          <Dialog.Description className="dialog-text">{t.help.intro}</Dialog.Description>
          <p className="dialog-text">{t.help.tabs}</p>
          <h3 className="small-head">{t.help.keys}</h3>
          <dl className="keys">
            {t.help.shortcuts.map(([keys, meaning]) => (
              <div key={keys}>
                <dt>
                  <kbd>{keys}</kbd>
                </dt>
                <dd>{meaning}</dd>
              </div>
            ))}
          </dl>
          <SandboxLimits />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function SandboxLimits() {
  const { t } = useTexts();
  const limits = useLabPart((lab) => lab.welcome?.limits ?? null);
  if (limits === null) return null;
  const rows: readonly (readonly [string, string])[] = [
    [t.help.limitMemory, mebibytes(limits.memoryBytes)],
    [t.help.limitDisk, mebibytes(limits.diskBytes)],
    [t.help.limitCpu, t.help.cores(limits.cpuPercent / 100)],
    [t.help.limitPids, String(limits.pids)],
    [t.help.limitTerminals, String(limits.terminals)],
  ];
  return (
    <>
      <h3 className="small-head">{t.help.limits}</h3>
      <dl className="limits">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function mebibytes(bytes: number): string {
  const mib = bytes / 2 ** 20;
  return mib >= 1024 && mib % 1024 === 0 ? `${mib / 1024} GiB` : `${Math.round(mib)} MiB`;
}

function isInTerminal(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('.terminal-screen') !== null;
}
