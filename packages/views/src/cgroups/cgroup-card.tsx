'use client';
/** All that is known of one group or member, for the card: each value beside its raw file. */
import {
  type CgroupFact,
  cgroupFacts,
  cgroupIn,
  hierarchiesOf,
  type State,
} from '@terrarium/timeline';
import { Fact, LookYourself } from '../facts-panel.js';
import { sandboxPid, shortName } from '../process-text.js';
import type { Lang } from '../strings.js';
import type { CgroupRow } from './rows.js';
import { cgroupStrings } from './strings.js';
import { hierarchyTag, valueText } from './texts.js';
import { type CgroupNode, insidePath, mainDirectory } from './tree.js';

interface CardProps {
  readonly state: State;
  readonly row: CgroupRow;
  readonly lang: Lang;
  readonly onShowInTerminal?: ((command: string) => void) | undefined;
}

export function CgroupTitle({ state, row }: Pick<CardProps, 'state' | 'row'>) {
  if (row.type === 'member') return <code>{shortName(state, row.member.process)}</code>;
  return <code>{row.node.path}</code>;
}

export function CgroupCard(props: CardProps) {
  const { row } = props;
  if (row.type === 'member') return <MemberCard {...props} row={row} />;
  return <GroupCard {...props} node={row.node} />;
}

function GroupCard(props: Omit<CardProps, 'row'> & { readonly node: CgroupNode }) {
  const { state, node, lang } = props;
  const words = cgroupStrings(lang);
  const facts = [...cgroupFacts(node.directories, state.meters).values()];
  const here = mainDirectory(node);
  const limits = facts.filter(({ kind, value }) => kind === 'limit' && value !== null);
  const dirs = node.directories.map(({ hierarchy }) => insidePath(state, hierarchy, node.path));
  return (
    <>
      <dl>
        {node.directories.length > 1 && (
          <Fact name={words.factDirectories}>
            {node.directories.map(({ hierarchy }) => hierarchyTag(hierarchy)).join(', ')}
          </Fact>
        )}
        <Fact name={words.factMembers}>
          {node.members.map(({ process }) => shortName(state, process)).join(', ') ||
            words.noMembers}
        </Fact>
        {facts.map((fact) => (
          <Fact key={fact.id} name={words.facts[fact.id]}>
            {valueText(fact, words)}
            <Files fact={fact} lang={lang} />
          </Fact>
        ))}
      </dl>
      <p className="tr-dim tr-files-hint">{words.filesHint}</p>
      <LookYourself
        lang={lang}
        paths={dirs}
        manuals={[
          'cgroups(7)',
          node.directories.some(({ hierarchy }) => hierarchy === '')
            ? 'cgroup_namespaces(7)'
            : 'systemd.resource-control(5)',
        ]}
        commands={commandsFor(state, node, limits, here?.hierarchy ?? '')}
        onShowInTerminal={props.onShowInTerminal}
      />
    </>
  );
}

/** This machine's file, then what the other version calls it. */
function Files({ fact, lang }: { readonly fact: CgroupFact; readonly lang: Lang }) {
  const words = cgroupStrings(lang);
  const [mine, other] = fact.version === 1 ? [fact.v1, fact.v2] : [fact.v2, fact.v1];
  const version = fact.version === 1 ? 'v2' : 'v1';
  return (
    <small className="tr-files">
      <code>{mine}</code>
      {fact.raw !== String(fact.value) && fact.raw.length < 24 && <q>{fact.raw}</q>}
      {other === null ? (
        <span>{words.noSuchFile(version)}</span>
      ) : (
        <span>
          {version}: <code>{other}</code>
        </span>
      )}
    </small>
  );
}

/** The limits with their names, who is inside, and what there is. */
function commandsFor(
  state: State,
  node: CgroupNode,
  limits: readonly CgroupFact[],
  hierarchy: string,
): readonly string[] {
  const main = insidePath(state, hierarchy, node.path);
  const files = limits
    .filter(({ unit }) => unit !== 'text')
    .slice(0, 4)
    .map((fact) => {
      const name = (fact.version === 1 ? fact.v1 : fact.v2)?.split(' ')[0] ?? '';
      const from = fact.key.slice(0, fact.key.indexOf(':/'));
      return quoted(`${insidePath(state, from, node.path)}/${name}`);
    });
  const unique = [...new Set(files)];
  return [
    ...(unique.length === 0 ? [] : [`grep . ${unique.join(' ')}`]),
    `cat ${quoted(`${main}/cgroup.procs`)}`,
    `ls ${quoted(main)}`,
  ];
}

function MemberCard(props: CardProps & { readonly row: CgroupRow & { type: 'member' } }) {
  const { state, row, lang } = props;
  const words = cgroupStrings(lang);
  const { process } = row.member;
  const pid = sandboxPid(state, process);
  return (
    <>
      <dl>
        <Fact name={words.factGroups}>
          {hierarchiesOf(state).map((hierarchy) => (
            <span key={hierarchy} className="tr-line">
              <code>
                {hierarchyTag(hierarchy)} {cgroupIn(process, hierarchy)}
              </code>
            </span>
          ))}
        </Fact>
      </dl>
      <LookYourself
        lang={lang}
        paths={[`/proc/${pid}/cgroup`]}
        manuals={['cgroups(7)']}
        commands={[`cat /proc/${pid}/cgroup`]}
        onShowInTerminal={props.onShowInTerminal}
      />
    </>
  );
}

/** For a shell; learners call groups what they like. */
function quoted(path: string): string {
  return /^[\w./=,:@+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
