'use client';
/**
 * The jar of the course page, drawn like a plate in a book of plants: what grows in it is the
 * learner's own sandbox as it stands now, each process a bud on its parent's stem.
 */
import { type ProcessNode, processTree, type State } from '@terrarium/timeline';
import { useMemo } from 'react';
import { useTexts } from '../i18n/use-texts';
import { useLabPart } from '../live/use-lab';

/** Where in the drawing things grow: between the glass, above the soil. */
const BED = { left: 72, right: 228, soil: 213, top: 96 } as const;
/** More buds than this say "many" as well. */
const MOST_BUDS = 40;
/** With more buds than this, names would lie over each other. */
const MOST_NAMES = 5;

const GLASS =
  'M90 22h120M104 22v24c0 11-6 17-16 25-27 20-44 45-44 79v120c0 19 11 30 30 30h152c19 0 30-11 30-30V150c0-34-17-59-44-79-10-8-16-14-16-25V22';
const SOIL = [
  ['tr-stratum-1', 'M47 218c28-8 57 4 101 1 42-3 70-11 105-2v27c-34-9-63 2-105 5-44 3-73-9-101-1z'],
  ['tr-stratum-2', 'M47 248c28-8 57 4 101 1 42-3 71-14 105-5v26c-30 4-66-4-105-2-44 2-73 5-101 1z'],
  [
    'tr-stratum-3',
    'M47 269c28 4 57 1 101-1 39-2 75 6 105 2-1 18-10 27-27 27H74c-17 0-27-10-27-28z',
  ],
] as const;

/** The drawing, with the three facts that its strata stand for. */
export function LivingJar() {
  const { t } = useTexts();
  const state = useLabPart((lab) => lab.state);
  const buds = useMemo(() => grow(state), [state]);
  const alive = state.sandbox !== null;
  const processes = Object.keys(state.processes).length;
  const namespaces = Object.keys(state.namespaces).length;
  const facts = alive
    ? ([
        [t.jar.processes(processes), 205, 'M236 190 L282 199'],
        [t.jar.namespaces(namespaces), 236, 'M246 232 H282'],
        [t.jar.kernel(state.sandbox?.kernelRelease ?? ''), 267, 'M240 282 L282 262'],
      ] as const)
    : [];
  const label = alive
    ? t.jar.label(facts.map(([text]) => text).join(t.jar.comma))
    : t.sandbox.starting;
  return (
    <svg className="jar" viewBox="36 12 404 300" role="img" aria-label={label}>
      {SOIL.map(([stratum, path]) => (
        <path key={stratum} className={stratum} d={path} />
      ))}
      <g className="jar-plant">
        {buds.map((bud) => (
          <path key={bud.key} d={bud.stem} />
        ))}
        {buds.map((bud) => (
          <circle key={bud.key} cx={bud.x} cy={bud.y} r={buds.length > 16 ? 3.5 : 5.5} />
        ))}
      </g>
      {buds.length <= MOST_NAMES
        ? buds.map((bud) => (
            <text key={bud.key} className="jar-name" x={bud.x + 11} y={bud.y + 4}>
              {bud.name}
            </text>
          ))
        : null}
      <path className="jar-glass" d={GLASS} />
      <path className="jar-shine" d="M60 160c0-22 8-40 24-56" />
      {facts.map(([text, y, leader]) => (
        <g key={y} className="jar-fact">
          <path d={leader} />
          <text x={288} y={y}>
            {text}
          </text>
        </g>
      ))}
    </svg>
  );
}

interface Bud {
  readonly key: string;
  readonly name: string;
  readonly x: number;
  readonly y: number;
  /** from its parent's bud, or out of the soil */
  readonly stem: string;
}

/** Leaves stand beside each other in the order of birth, a parent over the middle of its children. */
function grow(state: State): readonly Bud[] {
  const roots = processTree(state);
  const leaves = Math.max(1, countLeaves(roots));
  const depth = Math.max(1, deepest(roots));
  const slot = (BED.right - BED.left) / leaves;
  const storey = Math.min(44, (BED.soil - BED.top) / depth);
  const buds: Bud[] = [];
  let next = 0;
  const place = (node: ProcessNode): number => {
    const children = node.children.map(place);
    const x =
      children.length === 0
        ? BED.left + slot * (next++ + 0.5)
        : ((children[0] ?? 0) + (children.at(-1) ?? 0)) / 2;
    const y = BED.soil - storey * (node.depth + 1) + sway(node.process.hostPid);
    for (const [i, child] of node.children.entries()) {
      const childX = children[i] ?? x;
      const bud = buds.find(({ key }) => key === child.process.key);
      if (bud !== undefined) Object.assign(bud, { stem: stem(x, y, childX, bud.y) });
    }
    buds.push({
      key: node.process.key,
      name: `${node.process.comm} ${node.process.pids[1] ?? ''}`,
      x,
      y,
      stem: stem(x, BED.soil + 8, x, y),
    });
    return x;
  };
  for (const root of roots) place(root);
  return buds.slice(0, MOST_BUDS);
}

function stem(fromX: number, fromY: number, toX: number, toY: number): string {
  const bend = (fromY + toY) / 2;
  return `M${fromX} ${fromY}C${fromX} ${bend} ${toX} ${bend + 6} ${toX} ${toY}`;
}

/** Plants do not stand in rows: up to 6 units up or down, always the same for one process. */
function sway(pid: number): number {
  return (pid % 5) * 3 - 6;
}

function countLeaves(nodes: readonly ProcessNode[]): number {
  return nodes.reduce(
    (sum, { children }) => sum + (children.length === 0 ? 1 : countLeaves(children)),
    0,
  );
}

function deepest(nodes: readonly ProcessNode[]): number {
  return nodes.reduce((most, { children }) => Math.max(most, 1 + deepest(children)), 0);
}
