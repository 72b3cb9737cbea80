'use client';
/** All that is known about one mount, for the card beside the tree. */
import {
  type MountState,
  membersOf,
  type NsInode,
  overlayOf,
  type PlacedMount,
  peersOf,
  propagationOf,
  type State,
} from '@terrarium/timeline';
import { Fact, LookYourself } from './facts-panel.js';
import { namespaceName } from './kinds.js';
import { propagationKind } from './mount-marks.js';
import { sandboxPid, shortName } from './process-text.js';
import { type Lang, strings } from './strings.js';

export function MountTitle({ mount }: { readonly mount: MountState }) {
  return <code>{mount.mountPoint}</code>;
}

export function MountFacts(props: {
  readonly state: State;
  readonly mountNs: NsInode;
  readonly mount: MountState;
  readonly lang: Lang;
  readonly onShowInTerminal?: ((command: string) => void) | undefined;
}) {
  const { state, mountNs, mount, lang } = props;
  const words = strings(lang);
  const propagation = propagationOf(mount);
  const kind = propagationKind(propagation);
  const layers = overlayOf(mount);
  const member = membersOf(state, mountNs)[0];
  const pid = member === undefined ? null : sandboxPid(state, member);
  return (
    <>
      <dl>
        <Fact name={words.factFileSystem}>
          <b>{mount.fsType}</b> <code>{mount.mountSource}</code>
        </Fact>
        {mount.root !== '/' && (
          <Fact name={words.factRoot}>
            <code>{mount.root}</code>
            <small>{words.rootHelp}</small>
          </Fact>
        )}
        {layers !== null && (
          <Fact name={words.factLayers}>
            {layers.upper !== null && (
              <span className="tr-line tr-stratum" data-layer="upper">
                <code>{layers.upper}</code>
                <small>upperdir</small>
              </span>
            )}
            {layers.lower.map((directory) => (
              <span key={directory} className="tr-line tr-stratum" data-layer="lower">
                <code>{directory}</code>
                <small>lowerdir</small>
              </span>
            ))}
          </Fact>
        )}
        {mount.procPidNs !== undefined && (
          <Fact name={words.factShows}>
            <code>{namespaceName('pid', mount.procPidNs)}</code>
          </Fact>
        )}
        <Fact name={words.factPropagation}>
          {words.propagation[kind]}
          <small>{words.propagationHelp[kind]}</small>
        </Fact>
        <Peers state={state} mountNs={mountNs} mount={mount} lang={lang} />
        <Fact name={words.factOptions}>
          <code>{mount.mountOptions}</code>
        </Fact>
        <Fact name={words.factSuperOptions}>
          <code>{mount.superOptions}</code>
        </Fact>
        <Fact name={words.factMountId}>
          {words.mountIds(mount.mountId, mount.parentId)} <small>{mount.device}</small>
        </Fact>
        <Fact name={words.factMembers}>
          {membersOf(state, mountNs)
            .map((one) => shortName(state, one))
            .join(', ') || words.noMembers}
        </Fact>
      </dl>
      <LookYourself
        lang={lang}
        paths={[`/proc/${pid ?? 'self'}/mountinfo`]}
        manuals={['mount_namespaces(7)', 'proc_pid_mountinfo(5)']}
        commands={[
          `findmnt -o TARGET,SOURCE,FSTYPE,PROPAGATION,OPTIONS ${pid === null ? '' : `-N ${pid} `}${mount.mountPoint}`,
          `grep '^${mount.mountId} ' /proc/${pid ?? 'self'}/mountinfo`,
        ]}
        onShowInTerminal={props.onShowInTerminal}
      />
    </>
  );
}

/** Who else sees what is mounted here, and whose mounts are seen here. */
function Peers(props: {
  readonly state: State;
  readonly mountNs: NsInode;
  readonly mount: MountState;
  readonly lang: Lang;
}) {
  const { state, mountNs, mount, lang } = props;
  const words = strings(lang);
  const { peerGroup, master } = propagationOf(mount);
  const isSelf = (one: PlacedMount) =>
    one.mountNs === mountNs && one.mount.mountId === mount.mountId;
  const lines: string[] = [];
  const text = ({ mountNs: where, mount: { mountPoint } }: PlacedMount) =>
    `${mountPoint} · ${namespaceName('mnt', where)}`;
  if (peerGroup !== null) {
    const { members, slaves } = peersOf(state, peerGroup);
    lines.push(...members.filter((one) => !isSelf(one)).map((one) => `↔ ${text(one)}`));
    lines.push(...slaves.map((one) => `→ ${text(one)}`));
  }
  if (master !== null) lines.push(...peersOf(state, master).members.map((one) => `← ${text(one)}`));
  if (peerGroup === null && master === null) return null;
  return (
    <Fact name={words.factPeers}>
      {lines.length === 0
        ? words.noPeers
        : lines.map((line) => (
            <span key={line} className="tr-line">
              {line}
            </span>
          ))}
    </Fact>
  );
}
