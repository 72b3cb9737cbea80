'use client';
/** The region `Terminal`: tabs, one or two screens, search and options. */
import { ContextMenu, DropdownMenu } from 'radix-ui';
import { type KeyboardEvent, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { Group, Panel, Separator } from 'react-resizable-panels';
import { Button, IconButton } from '../components/button';
import { useTexts } from '../i18n/use-texts';
import { useKeptLayout } from '../lesson/use-kept-layout';
import { useRoom } from '../lesson/use-media';
import { useLabPart } from '../live/use-lab';
import { JustHappened } from './just-happened';
import { PastScreen } from './past-screen';
import { copyText, type TerminalSession } from './terminal-session';
import { useTerminals } from './terminals';

interface TerminalPanelProps {
  readonly full: boolean;
  readonly onFull: (full: boolean) => void;
  /** everything that a command did is to be shown */
  readonly onCommand: (command: string) => void;
}

/** All of the lab's terminals. */
export function TerminalPanel(props: TerminalPanelProps) {
  const { full, onFull } = props;
  const { t } = useTexts();
  const terminals = useTerminals();
  const limit = useLabPart((lab) => lab.welcome?.limits.terminals ?? Number.POSITIVE_INFINITY);
  const ready = useLabPart((lab) => lab.sandbox.status === 'running');
  return (
    <section className="terminals" aria-label={t.terminal.label}>
      <div className="pane-head">
        <TerminalTabs />
        <div className="pane-tools">
          <IconButton
            icon="plus"
            label={t.terminal.open}
            disabled={!ready || terminals.ids.length >= limit}
            onClick={() => void terminals.open()}
          />
          <IconButton
            className="split-switch"
            icon={terminals.split ? 'single' : 'split'}
            label={terminals.split ? t.terminal.unsplit : t.terminal.split}
            aria-pressed={terminals.split}
            disabled={!ready}
            onClick={() => terminals.setSplit(!terminals.split)}
          />
          <Options />
          <IconButton
            icon={full ? 'restore' : 'full'}
            label={full ? t.stage.restore : t.stage.full}
            aria-pressed={full}
            onClick={() => onFull(!full)}
          />
        </div>
      </div>
      {terminals.finding ? <FindBar /> : null}
      <div className="terminal-screens">
        <Screens ready={ready} />
      </div>
      <JustHappened onAll={props.onCommand} />
    </section>
  );
}

function Screens(props: { readonly ready: boolean }) {
  const { t } = useTexts();
  const { session, open } = useTerminals();
  const [left, right] = useShown();
  if (left === undefined) {
    return (
      <div className="terminal-none">
        {props.ready ? (
          <>
            <p>{t.terminal.none}</p>
            <Button onClick={() => void open()}>{t.terminal.openFirst}</Button>
          </>
        ) : null}
      </div>
    );
  }
  if (right === undefined) return <Screen key={left} session={session(left)} />;
  return <SideBySide left={left} right={right} />;
}

function SideBySide(props: { readonly left: string; readonly right: string }) {
  const { t } = useTexts();
  const { session } = useTerminals();
  const { left, right } = props;
  return (
    <Group orientation="horizontal" {...useKeptLayout('terminals')}>
      <Panel id="left" minSize="20%">
        <Screen key={left} session={session(left)} />
      </Panel>
      <Separator className="separator separator-column" aria-label={t.panes.resizeSplit} />
      <Panel id="right" minSize="20%">
        <Screen key={right} session={session(right)} />
      </Panel>
    </Group>
  );
}

/** What there is room for, left to right: on a narrow page one, with the others as tabs. */
function useShown(): readonly string[] {
  const { shown, active } = useTerminals();
  const narrow = useRoom() === 'narrow';
  return narrow && active !== null ? [active] : shown;
}

/** A tab per terminal, as a toolbar of toggles: what is shown may be two of them at once. */
function TerminalTabs() {
  const { t } = useTexts();
  const terminals = useTerminals();
  const shown = useShown();
  const infos = useLabPart((lab) => lab.terminals);
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    const tabs = [...(list.current?.querySelectorAll<HTMLElement>('.tab') ?? [])];
    const at = tabs.indexOf(document.activeElement as HTMLElement);
    tabs[(at + step + tabs.length) % tabs.length]?.focus();
  };
  return (
    <div
      className="tabs"
      ref={list}
      role="toolbar"
      aria-label={t.terminal.label}
      onKeyDown={onKeyDown}
    >
      {infos.map((info, index) => {
        const active = info.id === terminals.active;
        return (
          <span key={info.id} className="terminal-tab" data-active={active}>
            <button
              type="button"
              className="tab"
              aria-pressed={shown.includes(info.id)}
              title={t.terminal.tab(index + 1, info.pts)}
              tabIndex={active ? 0 : -1}
              onClick={() => {
                terminals.show(info.id);
                terminals.session(info.id).focus();
              }}
            >
              <span>
                <span className="sr-only">{t.terminal.label} </span>
                {index + 1}
              </span>
              <span className="facts">pts/{info.pts}</span>
              {info.state === 'ended' ? (
                <span className="tab-ended" data-failed={info.exitCode !== 0}>
                  {info.exitCode}
                </span>
              ) : null}
            </button>
            {infos.length > 1 ? (
              <IconButton
                icon="close"
                className="tab-close"
                label={t.terminal.close(index + 1)}
                onClick={() => terminals.close(info.id)}
              />
            ) : null}
          </span>
        );
      })}
    </div>
  );
}

function Screen(props: { readonly session: TerminalSession }) {
  const { session } = props;
  const { t } = useTexts();
  const terminals = useTerminals();
  const view = useSyncExternalStore(session.subscribe, session.view, session.view);
  const holder = useRef<HTMLDivElement>(null);
  const active = terminals.active === session.id;
  const [note, setNote] = useState<string | null>(null);
  const past = useLabPart((lab) => lab.past !== null);
  useEffect(() => {
    if (holder.current === null) return;
    return session.mount(holder.current);
  }, [session]);
  useEffect(() => {
    session.drawFast(active);
    return () => session.drawFast(false);
  }, [session, active]);

  const paste = (): void => {
    // Undefined where the page is served to a name over plain http.
    const read = navigator.clipboard?.readText?.() ?? Promise.reject(new Error('no clipboard'));
    read
      .then((text) => {
        session.paste(text);
        session.focus();
      })
      .catch(() => setNote(t.terminal.pasteBlocked));
  };
  const { status, exitCode } = view;
  return (
    <ContextMenu.Root modal={false}>
      <ContextMenu.Trigger asChild>
        <div
          className="terminal-screen"
          data-active={active}
          onFocusCapture={() => terminals.setActive(session.id)}
        >
          {/* The living one goes on below, out of reach of keys. */}
          <div ref={holder} className="terminal-holder" inert={past} />
          {past ? <PastScreen terminal={session.id} /> : null}
          {status.state === 'reconnecting' ? (
            <p className="terminal-note" role="status">
              {t.terminal.reconnecting}
            </p>
          ) : null}
          {exitCode === null ? null : (
            <p className="terminal-note" role="status">
              {exitCode > 128 ? t.terminal.endedSignal(exitCode - 128) : t.terminal.ended(exitCode)}{' '}
              {t.terminal.endedHow}
            </p>
          )}
          {note === null ? null : (
            <p className="terminal-note" role="status">
              {note}
              <IconButton icon="close" label={t.notice.dismiss} onClick={() => setNote(null)} />
            </p>
          )}
        </div>
      </ContextMenu.Trigger>
      <ContextMenu.Portal>
        <ContextMenu.Content className="menu">
          <ContextMenu.Item
            className="menu-item"
            disabled={!view.hasSelection}
            onSelect={() => copyText(session.selection)}
          >
            {t.terminal.copy}
            <kbd>Ctrl Shift C</kbd>
          </ContextMenu.Item>
          <ContextMenu.Item className="menu-item" onSelect={paste}>
            {t.terminal.paste}
            <kbd>Ctrl Shift V</kbd>
          </ContextMenu.Item>
          <ContextMenu.Item className="menu-item" onSelect={() => session.selectAll()}>
            {t.terminal.selectAll}
          </ContextMenu.Item>
          <ContextMenu.Separator className="menu-line" />
          <ContextMenu.Item className="menu-item" onSelect={() => terminals.setFinding(true)}>
            {t.terminal.find}
            <kbd>Ctrl Shift F</kbd>
          </ContextMenu.Item>
          <ContextMenu.Item className="menu-item" onSelect={() => session.clear()}>
            {t.terminal.clear}
          </ContextMenu.Item>
        </ContextMenu.Content>
      </ContextMenu.Portal>
    </ContextMenu.Root>
  );
}

function Options() {
  const { t } = useTexts();
  const terminals = useTerminals();
  const resize = (by: number) => (event: Event) => {
    event.preventDefault(); // the menu stays: one rarely wants one pixel
    terminals.setFontSize(terminals.fontSize + by);
  };
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <IconButton icon="more" label={t.terminal.options} />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={6}>
          <DropdownMenu.Item className="menu-item" onSelect={resize(1)}>
            {t.terminal.larger}
            <span className="facts">{terminals.fontSize} px</span>
          </DropdownMenu.Item>
          <DropdownMenu.Item className="menu-item" onSelect={resize(-1)}>
            {t.terminal.smaller}
          </DropdownMenu.Item>
          <DropdownMenu.Separator className="menu-line" />
          <DropdownMenu.Item className="menu-item" onSelect={() => terminals.setFinding(true)}>
            {t.terminal.find}
            <kbd>Ctrl Shift F</kbd>
          </DropdownMenu.Item>
          <DropdownMenu.CheckboxItem
            className="menu-item"
            checked={terminals.screenReader}
            onCheckedChange={terminals.setScreenReader}
          >
            {t.terminal.screenReader}
          </DropdownMenu.CheckboxItem>
          <DropdownMenu.Separator className="menu-line" />
          <p className="menu-note">{t.terminal.leave}</p>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function FindBar() {
  const { t } = useTexts();
  const terminals = useTerminals();
  const [text, setText] = useState('');
  const [found, setFound] = useState(true);
  const asks = useRef(0);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const find = (direction: 'next' | 'previous', what = text): void => {
    if (terminals.active === null) return;
    const asked = ++asks.current;
    void terminals
      .session(terminals.active)
      .find(what, direction)
      .then((isThere) => {
        if (asked === asks.current) setFound(isThere);
      });
  };
  const close = (): void => {
    terminals.setFinding(false);
    terminals.focus();
  };
  return (
    <search className="find-bar">
      <input
        ref={input}
        type="text"
        aria-label={t.terminal.find}
        placeholder={t.terminal.find}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          find('previous', event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') close();
          if (event.key === 'Enter') find(event.shiftKey ? 'next' : 'previous');
        }}
      />
      <span className="quiet" role="status">
        {found ? '' : t.terminal.findNone}
      </span>
      <IconButton icon="up" label={t.terminal.findPrevious} onClick={() => find('previous')} />
      <IconButton icon="chevron" label={t.terminal.findNext} onClick={() => find('next')} />
      <IconButton icon="close" label={t.terminal.closeFind} onClick={close} />
    </search>
  );
}
