/**
 * The objects of a diff as rows: what sort each is, what it is called, and what it is about. A
 * recording may come from a newer version and name a kind that this one does not know: it gets a
 * row all the same.
 */
import {
  type DiffObject,
  type NsInode,
  type ProcessState,
  type Subject,
  subject,
} from '@terrarium/timeline';
import { KINDS, namespaceName } from '../kinds.js';

/** In the order in which groups are told. */
export const SORTS = [
  ...(['process', 'namespace', 'mount', 'copy', 'cgroup', 'overlay', 'entry', 'whiteout'] as const),
  ...(['link', 'address', 'route', 'listener', 'table', 'other'] as const),
] as const;
export type Sort = (typeof SORTS)[number];

/** A copied mount is no deed of anyone, and a whiteout is a hole: both are told apart. */
export function sortOf(object: DiffObject): Sort {
  if (object.kind === 'mount' && object.copied) return 'copy';
  if (object.kind === 'entry' && object.entry.kind === 'whiteout') return 'whiteout';
  return SORTS.find((sort) => sort === object.kind) ?? 'other';
}

/** One row: a name, what stands beside it, and what it is about. */
export interface ObjectText {
  readonly name: string;
  readonly detail: string;
  readonly subject: Subject | undefined;
}

export function objectText(object: DiffObject): ObjectText {
  switch (object.kind) {
    case 'process':
      return processText(object.process);
    case 'namespace': {
      const { kind, inode } = object.namespace;
      return { name: namespaceName(kind, inode), detail: '', subject: subject.namespace(inode) };
    }
    case 'mount': {
      const { mount, mountNs } = object;
      const detail = `${mount.fsType} · ${namespaceName('mnt', mountNs)}`;
      return { name: mount.mountPoint, detail, subject: subject.mount(mountNs, mount.mountId) };
    }
    case 'cgroup': {
      const { key, path, hierarchy } = object.cgroup;
      return { name: path, detail: hierarchy, subject: subject.cgroup(key) };
    }
    case 'overlay': {
      const { key, layers } = object.overlay;
      const name = layers[0]?.dir ?? key;
      return { name, detail: `overlay ${key}`, subject: subject.overlay(key) };
    }
    case 'entry': {
      const { overlay, path, role, entry } = object;
      const detail = [entry.kind, role, entry.came ?? ''].filter((part) => part !== '').join(' · ');
      return { name: `/${path}`, detail, subject: subject.overlay(overlay, path) };
    }
    case 'link': {
      const { link, netNs } = object;
      const detail = [link.kind, namespaceName('net', netNs)].filter((part) => part !== '');
      const about = subject.link(netNs, link.index);
      return { name: link.name, detail: detail.join(' · '), subject: about };
    }
    case 'address':
      return inNetwork(object.netNs, object.address, object.link);
    case 'route': {
      const { to, via, dev } = object.route;
      return inNetwork(object.netNs, to, [via ?? '', dev ?? ''].join(' ').trim());
    }
    case 'listener': {
      const { protocol, address, port } = object.listener;
      return inNetwork(object.netNs, `${protocol} ${address}:${port}`, '');
    }
    case 'table':
      return inNetwork(object.netNs, `${object.table.family} ${object.table.name}`, 'nft');
    default:
      return unknownText(object);
  }
}

function processText(process: ProcessState): ObjectText {
  const { args, comm, pids, key } = process;
  const name = args.length > 0 ? args.join(' ') : comm;
  return { name, detail: pids.join(' → '), subject: subject.process(key) };
}

function inNetwork(netNs: NsInode, name: string, detail: string): ObjectText {
  const where = namespaceName('net', netNs);
  const text = detail === '' ? where : `${detail} · ${where}`;
  return { name, detail: text, subject: subject.network(netNs) };
}

/** Fields by which an object of any kind may be called. */
const NAMING = ['name', 'path', 'key', 'id', 'inode', 'to', 'address'];

function unknownText(object: { readonly kind?: unknown }): ObjectText {
  const kind = String(object.kind ?? '?');
  const inner: unknown = Reflect.get(object, kind);
  for (const holder of [inner, object]) {
    if (typeof holder !== 'object' || holder === null) continue;
    const field = NAMING.find((one) => Reflect.has(holder, one));
    if (field === undefined) continue;
    return { name: String(Reflect.get(holder, field)), detail: kind, subject: undefined };
  }
  return { name: kind, detail: '', subject: undefined };
}

/** A member of a list: a holder by its path, a chain by its name. */
function memberText(member: unknown): string {
  if (typeof member !== 'object' || member === null) return String(member);
  const field = NAMING.find((one) => Reflect.has(member, one));
  return field === undefined ? JSON.stringify(member) : String(Reflect.get(member, field));
}

/**
 * One side of a field's change as text. Of a record (the eight namespaces, a list of files) only
 * what differs from the other side.
 */
export function valueText(value: unknown, other: unknown, none: string): string {
  if (value === null || value === undefined || value === '') return none;
  if (Array.isArray(value)) {
    return value.length === 0 ? none : value.map(memberText).join(' ');
  }
  if (typeof value !== 'object') return String(value);
  const beside = typeof other === 'object' && other !== null ? other : {};
  const differing = Object.entries(value).filter(
    ([key, one]) => JSON.stringify(Reflect.get(beside, key)) !== JSON.stringify(one),
  );
  const text = differing.map(([key, one]) => {
    if (typeof one === 'object' && one !== null) return `${key} ${JSON.stringify(one)}`;
    const kind = KINDS.find((name) => name === key);
    return kind === undefined ? `${key} ${one}` : namespaceName(kind, Number(one));
  });
  return text.join(', ') || none;
}
