'use client';
/** One row of the tree of cgroups: a group with its meters, or a process that is in it. */
import { cgroupFacts, cgroupNumber, type State, subject } from '@terrarium/timeline';
import { memo, useMemo } from 'react';
import { argsText } from '../process-text.js';
import type { Lang } from '../strings.js';
import { Twist } from '../tree-item.js';
import { CpuMeter, MemoryMeter, PidsMeter } from './meters.js';
import type { CgroupRow } from './rows.js';
import { type CgroupStrings, cgroupStrings } from './strings.js';
import { hierarchyTag } from './texts.js';
import type { CgroupMember, CgroupNode } from './tree.js';
import { useRates } from './use-rates.js';
import { Vessel } from './vessel.js';

export interface RowContentProps {
  readonly row: CgroupRow;
  /** meters of the group's directories, in their order; undefined where not sampled */
  readonly meters: readonly (NonNullable<State['meters']>[string] | undefined)[];
  /** processors that it uses, from its own readings; null where there are too few */
  readonly cpus: number | null;
  /** hierarchies that there are */
  readonly hierarchies: readonly string[];
  /** bytes that a group without a limit is drawn against */
  readonly scale: number | null;
  /** pid as the sandbox sees it, of a member */
  readonly pid: number | null;
  readonly lang: Lang;
}

/** Drawn again when the group changed or one of its own meters, not at every beat. */
export const RowContent = memo(Content, (before, after) => {
  const same = (Object.keys(after) as (keyof RowContentProps)[]).every(
    (name) => name === 'meters' || before[name] === after[name],
  );
  return same && before.meters.every((one, i) => one === after.meters[i]);
});

function Content(props: RowContentProps) {
  const words = cgroupStrings(props.lang);
  const { row } = props;
  if (row.type === 'member') {
    return <Member member={row.member} path={row.node.path} pid={props.pid} words={words} />;
  }
  return <Group {...props} node={row.node} hierarchy={row.hierarchy} words={words} />;
}

function Group(
  props: RowContentProps & {
    readonly node: CgroupNode;
    readonly hierarchy: string | null;
    readonly words: CgroupStrings;
  },
) {
  const { node, meters, words, row } = props;
  const facts = useMemo(() => {
    const pairs = node.directories.map(({ key }, i) => [key, meters[i] ?? {}] as const);
    return cgroupFacts(node.directories, Object.fromEntries(pairs));
  }, [node, meters]);
  const rates = useRates(facts, props.cpus);
  const limit = cgroupNumber(facts, 'memory.limit');
  const used = cgroupNumber(facts, 'memory.current') ?? 0;
  const whole = limit ?? props.scale ?? 0;
  const seats = cgroupNumber(facts, 'pids.limit');
  const isLimited = limit !== null || seats !== null || cgroupNumber(facts, 'cpu.quota') !== null;
  return (
    <>
      <span className="tr-cell tr-name">
        <Twist expanded={row.expanded} />
        <Vessel level={whole === 0 ? 0 : used / whole} rim={isLimited} />
        <span className="tr-group-name" title={node.path}>
          {props.hierarchy !== null && <b>{hierarchyTag(props.hierarchy)}</b>}
          {node.name}
        </span>
        <Marks node={node} freezer={facts.get('freezer')?.value ?? 0} words={words} />
        {props.hierarchy === null && node.path !== '/' && (
          <Tags node={node} total={props.hierarchies.length} />
        )}
        {node.path === '/' && (
          <span className="tr-args" data-note>
            {words.own}
          </span>
        )}
      </span>
      <span className="tr-cell">
        <MemoryMeter facts={facts} words={words} scale={props.scale} />
      </span>
      <span className="tr-cell">
        <PidsMeter facts={facts} words={words} />
      </span>
      <span className="tr-cell">
        <CpuMeter facts={facts} words={words} rates={rates} />
      </span>
    </>
  );
}

/** Frozen, and the newest kill: it flashes once, and its words stay. */
function Marks(props: {
  readonly node: CgroupNode;
  readonly freezer: number | string | null;
  readonly words: CgroupStrings;
}) {
  const { node, freezer, words } = props;
  const oom = node.directories.map(({ lastOom }) => lastOom).find((one) => one !== undefined);
  return (
    <>
      {freezer === 1 && <span className="tr-mark tr-frozen">{words.frozen}</span>}
      {typeof freezer === 'string' && <span className="tr-mark tr-frozen">{words.freezing}</span>}
      {oom !== undefined && (
        <span key={oom.t} className="tr-mark tr-oom">
          {words.oom(oom.victim)}
        </span>
      )}
    </>
  );
}

/** In which hierarchies the group exists, each pointing at its own directory. */
function Tags({ node, total }: { readonly node: CgroupNode; readonly total: number }) {
  if (total === 1 || node.directories.length === total) return null;
  return (
    <span className="tr-tags">
      {node.directories.map(({ key, hierarchy }) => (
        <span key={key} className="tr-tag" data-subject={subject.cgroup(key)}>
          {hierarchyTag(hierarchy)}
        </span>
      ))}
    </span>
  );
}

function Member(props: {
  readonly member: CgroupMember;
  readonly path: string;
  readonly pid: number | null;
  readonly words: CgroupStrings;
}) {
  const { member, pid, words } = props;
  const { process, hereIn, awayIn } = member;
  const fewer = hereIn.length <= awayIn.length ? hereIn : awayIn;
  const word = fewer === hereIn ? words.onlyIn : words.notIn;
  return (
    <span className="tr-cell tr-name tr-member">
      <Twist expanded={undefined} />
      <span className="tr-comm">{process.comm}</span>
      <span className="tr-dim">{pid}</span>
      <span className="tr-args">{argsText(process)}</span>
      <span className="tr-sr">{words.inGroup(props.path)}</span>
      {awayIn.length > 0 && (
        <span className="tr-tags">
          <small>{word}</small>
          {fewer.map((hierarchy) => (
            <span key={hierarchy} className="tr-tag">
              {hierarchyTag(hierarchy)}
            </span>
          ))}
        </span>
      )}
    </span>
  );
}
