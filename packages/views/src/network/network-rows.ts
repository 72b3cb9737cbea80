/** The rows of the tree `Network`: what the picture shows, as a list with levels for the keys. */
import type {
  ListenerState,
  NftChainState,
  NftTableState,
  NsInode,
  RouteState,
  State,
} from '@terrarium/timeline';
import { shortName } from '../process-text.js';
import type { TreeKeyRow } from '../use-tree-keys.js';
import { type BoxModel, linkId, type PortModel } from './network-model.js';

type NftRule = NftChainState['rules'][number];

/** What a row, a part of the picture and the card are about. */
export type NetworkThing = { readonly id: string; readonly netNs: NsInode } & (
  | { readonly type: 'network'; readonly box: BoxModel }
  | { readonly type: 'link'; readonly port: PortModel }
  | { readonly type: 'route'; readonly route: RouteState }
  | { readonly type: 'listener'; readonly listener: ListenerState }
  | { readonly type: 'table'; readonly table: NftTableState }
  | { readonly type: 'chain'; readonly table: NftTableState; readonly chain: NftChainState }
  | {
      readonly type: 'rule';
      readonly table: NftTableState;
      readonly chain: NftChainState;
      readonly rule: NftRule;
    }
);

export interface NetworkRow extends TreeKeyRow {
  readonly thing: NetworkThing;
  readonly position: number;
  readonly setSize: number;
}

interface Branch {
  readonly thing: NetworkThing;
  readonly text: string;
  readonly children: readonly Branch[];
}

/** Every row that is not below a closed one. */
export function networkRows(
  state: State,
  boxes: readonly BoxModel[],
  closed: ReadonlySet<string>,
): readonly NetworkRow[] {
  const rows: NetworkRow[] = [];
  const place = (branches: readonly Branch[], level: number): void => {
    branches.forEach(({ thing, text, children }, i) => {
      const open = !closed.has(thing.id);
      const expanded = children.length === 0 ? undefined : open;
      const where = { level, position: i + 1, setSize: branches.length };
      rows.push({ id: thing.id, thing, text, expanded, ...where });
      if (open) place(children, level + 1);
    });
  };
  place(
    boxes.map((box) => boxBranch(state, box)),
    1,
  );
  return rows;
}

export function boxThing(box: BoxModel): NetworkThing {
  return { type: 'network', id: `network ${box.netNs}`, netNs: box.netNs, box };
}

export function linkThing(netNs: NsInode, port: PortModel): NetworkThing {
  return { type: 'link', id: linkId(netNs, port.link.index), netNs, port };
}

export function routeThing(netNs: NsInode, route: RouteState): NetworkThing {
  const id = `route ${netNs} ${route.to} ${route.via} ${route.dev}`;
  return { type: 'route', id, netNs, route };
}

export function listenerThing(netNs: NsInode, listener: ListenerState): NetworkThing {
  const { protocol, address, port, process } = listener;
  const id = `listener ${netNs} ${protocol} ${address} ${port} ${process}`;
  return { type: 'listener', id, netNs, listener };
}

export function tableThing(netNs: NsInode, table: NftTableState): NetworkThing {
  return { type: 'table', id: `table ${netNs} ${table.family} ${table.name}`, netNs, table };
}

export function ruleThing(
  netNs: NsInode,
  table: NftTableState,
  chain: NftChainState,
  rule: NftRule,
): NetworkThing {
  const id = `rule ${netNs} ${table.family} ${table.name} ${chain.name} ${rule.handle}`;
  return { type: 'rule', id, netNs, table, chain, rule };
}

/** `:8000 python3 25`, the name of its process where that is known. */
export function listenerOwner(state: State, { process }: ListenerState): string | null {
  const owner = process === null ? undefined : state.processes[process];
  return owner === undefined ? null : shortName(state, owner);
}

function boxBranch(state: State, box: BoxModel): Branch {
  const { netNs, network } = box;
  const leaf = (thing: NetworkThing, text: string): Branch => ({ thing, text, children: [] });
  const ports = box.ports.filter(({ bridge }) => bridge === null);
  const below = (port: PortModel): readonly Branch[] =>
    box.ports
      .filter(({ bridge }) => bridge?.index === port.link.index)
      .map((one) => leaf(linkThing(netNs, one), one.link.name));
  return {
    thing: boxThing(box),
    text: box.name ?? `net:[${netNs}]`,
    children: [
      ...ports.map((port) => ({
        thing: linkThing(netNs, port),
        text: port.link.name,
        children: below(port),
      })),
      ...(network?.routes ?? []).map((route) => leaf(routeThing(netNs, route), route.to)),
      ...(network?.listeners ?? []).map((one) =>
        leaf(listenerThing(netNs, one), listenerOwner(state, one) ?? `${one.port}`),
      ),
      ...(network?.tables ?? []).map((table) => tableBranch(netNs, table)),
    ],
  };
}

function tableBranch(netNs: NsInode, table: NftTableState): Branch {
  return {
    thing: tableThing(netNs, table),
    text: table.name,
    children: table.chains.map((chain) => ({
      thing: {
        ...{ type: 'chain', netNs, table, chain },
        id: `chain ${netNs} ${table.family} ${table.name} ${chain.name}`,
      },
      text: chain.name,
      children: chain.rules.map((rule) => ({
        thing: ruleThing(netNs, table, chain, rule),
        text: rule.text,
        children: [],
      })),
    })),
  };
}
