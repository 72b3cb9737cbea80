'use client';
/**
 * How the panes stand. Wide: text beside stage over terminals, all resizable. Medium: stage and
 * terminals share a pane. Narrow: one at a time. Sizes are kept.
 */
import { Tabs } from 'radix-ui';
import { type ReactNode, useState } from 'react';
import { Group, Panel, Separator } from 'react-resizable-panels';
import { useTexts } from '../i18n/use-texts';
import { TerminalPanel } from '../terminal/terminal-panel';
import { Stage, type StageView } from './stage';
import { useKeptLayout } from './use-kept-layout';
import { type Room, useRoom } from './use-media';

interface WorkspaceProps {
  readonly reader: ReactNode;
  readonly view: StageView;
  readonly onView: (view: StageView) => void;
  readonly command: string | null;
  readonly onCommand: (command: string) => void;
}

/** Which pane has all the room of the right side, if one has. */
type Full = 'stage' | 'terminal' | null;

export function Workspace(props: WorkspaceProps) {
  const room = useRoom();
  const [full, setFull] = useState<Full>(null);
  const stage = (
    <Stage
      view={props.view}
      onView={props.onView}
      full={full === 'stage'}
      onFull={(on) => setFull(on ? 'stage' : null)}
      command={props.command}
      onCommand={props.onCommand}
    />
  );
  const terminal = (
    <TerminalPanel
      full={full === 'terminal'}
      onFull={(on) => setFull(on ? 'terminal' : null)}
      onCommand={(command) => {
        if (full === 'terminal') setFull(null);
        props.onCommand(command);
        props.onView('diff');
      }}
    />
  );
  const reader = <div className="reader-pane">{props.reader}</div>;
  const panes = { reader, stage, terminal };
  return (
    <main className="workspace">
      {full !== null && room !== 'narrow' ? panes[full] : <Arranged room={room} panes={panes} />}
    </main>
  );
}

function Arranged(props: { readonly room: Room; readonly panes: Panes }) {
  switch (props.room) {
    case 'wide':
      return <WideLayout {...props.panes} />;
    case 'medium':
      return <MediumLayout {...props.panes} />;
    case 'narrow':
      return <NarrowLayout {...props.panes} />;
  }
}

interface Panes {
  readonly reader: ReactNode;
  readonly stage: ReactNode;
  readonly terminal: ReactNode;
}

function WideLayout(panes: Panes) {
  const { t } = useTexts();
  const columns = useKeptLayout('columns');
  const rows = useKeptLayout('rows');
  return (
    <Group orientation="horizontal" {...columns}>
      <Panel id="reader" defaultSize="36%" minSize={320} maxSize="60%">
        {panes.reader}
      </Panel>
      <Separator className="separator separator-column" aria-label={t.panes.resizeReader} />
      <Panel id="work" minSize={420}>
        <Group orientation="vertical" {...rows}>
          <Panel id="stage" defaultSize="54%" minSize={120} collapsible collapsedSize={37}>
            {panes.stage}
          </Panel>
          <Separator className="separator separator-row" aria-label={t.panes.resizeStage} />
          <Panel id="terminal" minSize={100} collapsible collapsedSize={37}>
            {panes.terminal}
          </Panel>
        </Group>
      </Panel>
    </Group>
  );
}

function MediumLayout(panes: Panes) {
  const { t } = useTexts();
  const columns = useKeptLayout('medium');
  return (
    <Group orientation="horizontal" {...columns}>
      <Panel id="reader" defaultSize="44%" minSize={300} maxSize="60%">
        {panes.reader}
      </Panel>
      <Separator className="separator separator-column" aria-label={t.panes.resizeReader} />
      <Panel id="work" minSize={300}>
        <PaneTabs
          panes={[
            ['stage', t.panes.stage, panes.stage],
            ['terminal', t.panes.terminal, panes.terminal],
          ]}
          first="terminal"
        />
      </Panel>
    </Group>
  );
}

function NarrowLayout(panes: Panes) {
  const { t } = useTexts();
  return (
    <PaneTabs
      panes={[
        ['lesson', t.panes.lesson, panes.reader],
        ['stage', t.panes.stage, panes.stage],
        ['terminal', t.panes.terminal, panes.terminal],
      ]}
      first="lesson"
    />
  );
}

/** Panes that share one place. All stay mounted: a hidden terminal goes on drawing. */
function PaneTabs(props: {
  readonly panes: readonly (readonly [string, string, ReactNode])[];
  readonly first: string;
}) {
  return (
    <Tabs.Root className="pane-tabs" defaultValue={props.first}>
      {props.panes.map(([id, , content]) => (
        <Tabs.Content key={id} value={id} forceMount className="pane-tab-content" tabIndex={-1}>
          {content}
        </Tabs.Content>
      ))}
      <Tabs.List className="pane-tab-list">
        {props.panes.map(([id, name]) => (
          <Tabs.Trigger key={id} value={id} className="pane-tab">
            {name}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
    </Tabs.Root>
  );
}
