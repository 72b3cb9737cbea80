'use client';
/** All that is known about one namespace, for the card beside the map. */
import {
  membersOf,
  type NamespaceHolder,
  type NamespaceState,
  type NsInode,
  type State,
} from '@terrarium/timeline';
import { Fact, LookYourself } from './facts-panel.js';
import { NamespaceRing } from './glyphs.js';
import { KIND_FACTS, namespaceName } from './kinds.js';
import { sandboxPid, shortName } from './process-text.js';
import { ringsOf } from './rings.js';
import { type Lang, strings } from './strings.js';

export function NamespaceTitle({ state, namespace }: { state: State; namespace: NamespaceState }) {
  const ring = ringsOf(state).get(namespace.inode);
  return (
    <>
      <NamespaceRing kind={namespace.kind} pattern={ring?.pattern ?? null} size={22} />
      <span>{namespaceName(namespace.kind, namespace.inode)}</span>
    </>
  );
}

export function NamespaceFacts(props: {
  readonly state: State;
  readonly namespace: NamespaceState;
  readonly lang: Lang;
  readonly onShowInTerminal?: ((command: string) => void) | undefined;
}) {
  const { state, namespace, lang } = props;
  const words = strings(lang);
  const facts = KIND_FACTS[namespace.kind];
  const members = membersOf(state, namespace.inode);
  const first = members[0];
  const pid = first === undefined ? null : sandboxPid(state, first);
  return (
    <>
      <p>
        {words.kindSees[namespace.kind]} <span className="tr-dim">· {facts.flag}</span>
      </p>
      <dl>
        <Fact name={words.factMembers}>
          {members.length === 0
            ? words.noMembers
            : members.map((member) => shortName(state, member)).join(', ')}
        </Fact>
        <Fact name={words.factHolders}>
          {namespace.holders.length > 0
            ? namespace.holders.map((holder) => (
                <span key={JSON.stringify(holder)} className="tr-line">
                  {holderText(state, holder, lang)}
                </span>
              ))
            : members.length > 0
              ? words.noHolders
              : words.nobodyHolds}
        </Fact>
        {(namespace.kind === 'pid' || namespace.kind === 'user') && (
          <Fact name={words.factNsParent}>{refText(namespace.kind, namespace.parent, lang)}</Fact>
        )}
        <Fact name={words.factOwner}>{refText('user', namespace.owner, lang)}</Fact>
        <Fact name={words.factInode}>
          <code>{namespace.inode}</code>
        </Fact>
        <Fact name={words.factBorn}>
          {words.ago(Math.max(0, (state.t - namespace.bornAt) / 1000))}
          {namespace.ofSandbox && <small>{words.ofSandbox}</small>}
          {namespace.ofHost && <small>{words.ofHost}</small>}
        </Fact>
      </dl>
      <LookYourself
        lang={lang}
        paths={pid === null ? [] : [`/proc/${pid}/ns/${namespace.kind}`]}
        manuals={[facts.manual, 'namespaces(7)']}
        commands={commands(namespace, pid)}
        onShowInTerminal={props.onShowInTerminal}
      />
    </>
  );
}

/** `held by a bind mount on /run/netns/quiet`. */
export function holderText(state: State, holder: NamespaceHolder, lang: Lang): string {
  const words = strings(lang);
  if (holder.by === 'mount') return words.heldByMount(holder.path);
  const process = state.processes[holder.process];
  return words.heldByFd(process === undefined ? '?' : shortName(state, process), holder.fd);
}

function refText(kind: 'pid' | 'user', inode: NsInode | null, lang: Lang) {
  if (inode === null) return strings(lang).outsideSandbox;
  return <code>{namespaceName(kind, inode)}</code>;
}

function commands(namespace: NamespaceState, pid: number | null): readonly string[] {
  const list = [`lsns --type ${namespace.kind}`];
  if (pid !== null)
    list.push(`readlink /proc/${pid}/ns/${namespace.kind} /proc/self/ns/${namespace.kind}`);
  const mount = namespace.holders.find((holder) => holder.by === 'mount');
  if (mount?.by === 'mount') list.push(`grep nsfs /proc/self/mountinfo`);
  return list;
}
