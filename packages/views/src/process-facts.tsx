'use client';
/** All that is known about one process, for the card beside the tree. */
import {
  membersOf,
  type NamespaceKind,
  type NsInode,
  type ProcessState,
  placedPids,
  type State,
} from '@terrarium/timeline';
import { Fact, LookYourself } from './facts-panel.js';
import { Crown, NamespaceRing } from './glyphs.js';
import { KINDS, namespaceName } from './kinds.js';
import { RightsFacts, UsageFacts } from './process-rights.js';
import { isPidOne, pidsText, processCommands, sandboxPid, shortName } from './process-text.js';
import { ringsOf } from './rings.js';
import { type Lang, strings } from './strings.js';

/** The title of the card: name and pids, as in the row. */
export function ProcessTitle({ process, lang }: { process: ProcessState; lang: Lang }) {
  return (
    <>
      {isPidOne(process) && <Crown title={strings(lang).pidOne} size={15} />}
      <span className="tr-comm">{process.comm}</span>
      <span className="tr-title-pids">{pidsText(process)}</span>
    </>
  );
}

export function ProcessFacts(props: {
  readonly state: State;
  readonly process: ProcessState;
  readonly gone: boolean;
  readonly lang: Lang;
  readonly onShowInTerminal?: ((command: string) => void) | undefined;
}) {
  const { state, process, lang } = props;
  const words = strings(lang);
  const pid = sandboxPid(state, process);
  const parent = process.parent === null ? undefined : state.processes[process.parent];
  const { outside, inside } = process.uid;
  return (
    <>
      {props.gone && <p className="tr-note">{words.factGone}</p>}
      <dl>
        <Fact name={words.factCommand}>
          {process.args.length > 0 ? (
            <code>{process.args.join(' ')}</code>
          ) : (
            <span className="tr-dim">
              {process.state === 'Z' ? words.factNoCommand : words.factNone}
            </span>
          )}
        </Fact>
        <Fact name={words.factPids}>
          <PidLevels state={state} process={process} lang={lang} />
        </Fact>
        <Fact name={words.factParent}>
          {parent === undefined ? words.noParent : shortName(state, parent)}
        </Fact>
        <Fact name={words.factState}>
          <b>{process.state}</b> {words.states[process.state]}
          <small>{words.stateHelp[process.state]}</small>
        </Fact>
        <Fact name={words.factUser}>
          {outside === inside ? inside : words.userFacts(outside, inside)}
          {inside === 65534 && <small>{words.unmapped}</small>}
        </Fact>
        <Fact name={words.factTerminal}>
          {process.terminal === null ? words.noTerminal : <code>/dev/pts/{process.terminal}</code>}
        </Fact>
        <Fact name={words.factGroup}>{processGroupText(state, process, words.onHost)}</Fact>
        <Fact name={words.factCgroup}>
          <code>{process.cgroup}</code>
        </Fact>
        <UsageFacts usage={state.usage?.[process.key]} lang={lang} />
        <RightsFacts facts={process.facts} lang={lang} />
        <Fact name={words.factBorn}>
          {words.ago(Math.max(0, (state.t - process.bornAt) / 1000))}
        </Fact>
      </dl>
      <h4>{words.factNamespaces}</h4>
      <ul className="tr-eight">
        {KINDS.map((kind) => (
          <NamespaceLine key={kind} state={state} process={process} kind={kind} lang={lang} />
        ))}
      </ul>
      {!props.gone && (
        <LookYourself
          lang={lang}
          paths={[`/proc/${pid}/status`]}
          manuals={['proc_pid_status(5)', 'namespaces(7)']}
          commands={processCommands(state, process)}
          onShowInTerminal={props.onShowInTerminal}
        />
      )}
    </>
  );
}

/** One line for each pid namespace that the process is visible in. */
function PidLevels(props: { state: State; process: ProcessState; lang: Lang }) {
  const words = strings(props.lang);
  const sandboxPidNs = props.state.sandbox?.namespaces.pid;
  return (
    <span className="tr-levels">
      {placedPids(props.state, props.process).map(({ pid, namespace }, i) => (
        <span key={namespace ?? `level ${i}`}>
          <b>{pid}</b>{' '}
          {i === 0
            ? words.onHost
            : namespace === sandboxPidNs
              ? words.inSandbox
              : words.inNamespace(namespace === null ? '?' : namespaceName('pid', namespace))}
        </span>
      ))}
    </span>
  );
}

function NamespaceLine(props: {
  state: State;
  process: ProcessState;
  kind: NamespaceKind;
  lang: Lang;
}) {
  const { state, process, kind, lang } = props;
  const inode = process.namespaces[kind];
  const ring = ringsOf(state).get(inode);
  return (
    <li data-kind={ring === undefined ? undefined : kind} data-own={ring === undefined}>
      <NamespaceRing kind={kind} pattern={ring?.pattern ?? null} size={16} />
      <code>{namespaceName(kind, inode)}</code>
      <span>{whose(state, inode, lang)}</span>
    </li>
  );
}

/** `the sandbox’s`, `alone here`, or with how many others. */
function whose(state: State, inode: NsInode, lang: Lang): string {
  const words = strings(lang);
  const known = state.namespaces[inode];
  if (known?.ofHost) return words.hostOwn;
  const ofSandbox =
    known?.ofSandbox ?? Object.values(state.sandbox?.namespaces ?? {}).includes(inode);
  if (ofSandbox) return words.sandboxOwn;
  const others = membersOf(state, inode).length - 1;
  return others > 0 ? words.sharedWith(others) : words.itsOwn;
}

/** Named by its leader where the leader is in the sandbox; the number is the host's. */
function processGroupText(state: State, process: ProcessState, onHost: string): string {
  const leader = Object.values(state.processes).find(
    (other) => other.hostPid === process.processGroup,
  );
  if (leader !== undefined) return shortName(state, leader);
  return `${process.processGroup} ${onHost}`;
}
