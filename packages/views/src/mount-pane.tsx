'use client';
/** One namespace's mounts as a tree with its keyboard: what, where, of which kind, who hears of it. */
import type { MountDifference, MountNode, NsInode } from '@terrarium/timeline';
import { propagationOf, subject } from '@terrarium/timeline';
import { useMemo, useState } from 'react';
import { type MountKey, mountKey } from './mount-key.js';
import { PropagationMark, propagationKind } from './mount-marks.js';
import { type Lang, strings } from './strings.js';
import { Twist, treeItem } from './tree-item.js';
import { useAppear } from './use-appear.js';
import type { Look } from './use-hover-intent.js';
import { useRowTree } from './use-row-tree.js';

interface MountRow {
  readonly id: MountKey;
  readonly node: MountNode;
  readonly level: number;
  readonly position: number;
  readonly setSize: number;
  readonly expanded: boolean | undefined;
  readonly text: string;
  /** the mount point below its parent's, as far as it says something new */
  readonly path: string;
}

export interface MountPaneProps {
  readonly label: string;
  readonly trees: readonly MountNode[];
  readonly mountNs: NsInode;
  /** compared with the namespace beside it; null when there is none */
  readonly differences: ReadonlyMap<number, MountDifference> | null;
  readonly lang: Lang;
  readonly selected: MountKey | null;
  readonly looked: MountKey | null;
  readonly onLook: Look<MountKey>;
  readonly onChoose: (key: MountKey) => void;
}

export function MountPane(props: MountPaneProps) {
  const { trees, mountNs, lang, selected, looked, onLook, onChoose } = props;
  const [closed, setClosed] = useState<ReadonlySet<MountKey>>(new Set());
  const rows = useMemo(() => rowsOf(trees, mountNs, closed), [trees, mountNs, closed]);
  const toggle = (id: MountKey, open: boolean) =>
    setClosed((before) => {
      const after = new Set(before);
      if (open) after.delete(id);
      else after.add(id);
      return after;
    });
  const tree = useRowTree<MountKey>(rows, {
    thingOf: (id) => id,
    toggle,
    choose: onChoose,
    look: onLook,
  });
  const ids = useMemo(() => rows.map(({ id }) => id), [rows]);
  useAppear(tree.ref, ids, `${mountNs}`);

  return (
    <div className="tr-scroll" onPointerLeave={onLook.cancel}>
      <div {...tree.props} role="tree" aria-label={props.label} className="tr-rows tr-mount-rows">
        {rows.map((row) => (
          <div
            key={row.id}
            {...treeItem(row, { active: row.id === tree.active, selected: row.id === selected })}
            className="tr-row tr-mount-row"
            data-subject={subject.mount(mountNs, row.node.mount.mountId)}
            data-appear={row.id}
            data-covered={row.node.coveredBy !== null || undefined}
            data-difference={props.differences?.get(row.node.mount.mountId)}
            data-highlighted={(row.id === looked && looked !== selected) || undefined}
          >
            <RowContent
              row={row}
              difference={props.differences?.get(row.node.mount.mountId)}
              lang={lang}
            />
          </div>
        ))}
      </div>
    </div>
  );
}

function RowContent(props: {
  readonly row: MountRow;
  readonly difference: MountDifference | undefined;
  readonly lang: Lang;
}) {
  const { row, difference, lang } = props;
  const words = strings(lang);
  const { mount, coveredBy } = row.node;
  const propagation = propagationOf(mount);
  const kind = propagationKind(propagation);
  return (
    <>
      <span className="tr-cell tr-name">
        <Twist expanded={row.expanded} />
        <span className="tr-mount-point" title={mount.mountPoint}>
          {row.path}
        </span>
        {coveredBy !== null && <span className="tr-mark">{words.covered}</span>}
        {difference === 'only-here' && <span className="tr-mark">{words.onlyHere}</span>}
        {difference === 'other' && <span className="tr-mark">{words.otherThere}</span>}
      </span>
      <span className="tr-cell tr-fs" title={mount.mountSource}>
        <b>{mount.fsType}</b>
        <span className="tr-dim">{sourceText(mount.mountSource, mount.fsType, mount.root)}</span>
      </span>
      <span className="tr-cell tr-propagation" title={words.propagationHelp[kind]}>
        <PropagationMark kind={kind} />
        <span className="tr-propagation-word">{words.propagation[kind]}</span>
        {propagation.peerGroup !== null && <span>{propagation.peerGroup}</span>}
        {propagation.master !== null && <span>← {propagation.master}</span>}
      </span>
      <span className="tr-cell tr-mount-flags">{flagsText(mount.mountOptions)}</span>
    </>
  );
}

/** What is special: a device or directory, not the type's own name again. */
function sourceText(source: string, fsType: string, root: string): string {
  const part = root === '/' ? '' : root;
  const from = source === fsType || source === 'none' ? '' : source;
  return [from, part].filter((text) => text !== '').join(' ');
}

/** Only what is not the usual: `rw` and `relatime` are. */
function flagsText(options: string): string {
  return options
    .split(',')
    .filter((option) => option !== 'rw' && option !== 'relatime')
    .join(' ');
}

function rowsOf(
  trees: readonly MountNode[],
  mountNs: NsInode,
  closed: ReadonlySet<MountKey>,
): readonly MountRow[] {
  const rows: MountRow[] = [];
  const visit = (nodes: readonly MountNode[], level: number, above: string) => {
    nodes.forEach((node, i) => {
      const { mount, children } = node;
      const id = mountKey(mountNs, mount.mountId);
      const isOpen = !closed.has(id);
      rows.push({
        id,
        node,
        level,
        position: i + 1,
        setSize: nodes.length,
        expanded: children.length === 0 ? undefined : isOpen,
        text: mount.mountPoint,
        path: below(mount.mountPoint, above),
      });
      if (isOpen) visit(children, level + 1, mount.mountPoint);
    });
  };
  visit(trees, 1, '');
  return rows;
}

/** `/proc/sys` on `/proc` is `sys`; what lies on the same place keeps its whole name. */
function below(path: string, above: string): string {
  if (above === '' || above === '/' || path === above) return path;
  return path.startsWith(`${above}/`) ? path.slice(above.length + 1) : path;
}
