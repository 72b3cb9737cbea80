/** The rows of the tree that are not folded away, in the order in which they stand. */
import type { CgroupForest, CgroupMember, CgroupNode } from './tree.js';

interface Row {
  readonly id: string;
  readonly level: number;
  readonly position: number;
  readonly setSize: number;
  /** undefined for a leaf */
  readonly expanded: boolean | undefined;
  /** what typing ahead compares with */
  readonly text: string;
}

export type CgroupRow = Row &
  (
    | { readonly type: 'group'; readonly node: CgroupNode; readonly hierarchy: string | null }
    | { readonly type: 'member'; readonly member: CgroupMember; readonly node: CgroupNode }
  );

export function cgroupRows(
  forests: readonly CgroupForest[],
  closed: ReadonlySet<string>,
): readonly CgroupRow[] {
  const rows: CgroupRow[] = [];
  const visit = (
    node: CgroupNode,
    place: Pick<Row, 'level' | 'position' | 'setSize'>,
    hierarchy: string | null,
  ): void => {
    const { id, members, children } = node;
    const setSize = members.length + children.length;
    const expanded = setSize === 0 ? undefined : !closed.has(id);
    rows.push({ type: 'group', id, node, hierarchy, ...place, expanded, text: node.name });
    if (expanded !== true) return;
    const level = place.level + 1;
    members.forEach((member, i) => {
      const { key, comm } = member.process;
      rows.push({
        ...{ type: 'member', member, node, level, setSize, text: comm },
        ...{ id: `${id} ${key}`, position: i + 1, expanded: undefined },
      });
    });
    children.forEach((child, i) => {
      visit(child, { level, position: members.length + i + 1, setSize }, null);
    });
  };
  forests.forEach(({ root, hierarchy }, i) => {
    visit(root, { level: 1, position: i + 1, setSize: forests.length }, hierarchy);
  });
  return rows;
}
