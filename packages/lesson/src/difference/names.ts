/** Objects, fields and values of the kernel as a learner reads them in a hint. Pure. */
import type { State } from '@terrarium/timeline';
import type { Path, SubjectKind } from '../check.js';
import { FIELDS, type FieldType, type NodeKind } from '../fields.js';
import { type Binding, type Bindings, resolve, Unbound } from '../resolve.js';
import type { LocalText } from '../types.js';
import { LABELS, text } from './labels.js';

/** `sh` (PID 12), `pid:[4026532193]`, `/proc`: by what the learner sees of it. */
export function objectName(binding: Binding, state: State): LocalText {
  switch (binding.kind) {
    case 'process':
      return processName(binding.key, state);
    case 'namespace':
      return namespaceName(binding.inode, state);
    case 'mount': {
      const mount = state.mounts[String(binding.mountNs)]?.[String(binding.mountId)];
      if (mount === undefined) return GONE;
      return text(
        `${mount.fsType} at ${code(mount.mountPoint)}`,
        `${code(mount.mountPoint)} 上的 ${mount.fsType}`,
      );
    }
    case 'cgroup':
      return both(code(binding.path));
    case 'overlay': {
      const at = Object.values(state.mounts)
        .flatMap((mounts) => Object.values(mounts))
        .find(({ device }) => device === binding.key)?.mountPoint;
      if (at === undefined) return text('the overlay', '这个 overlay');
      return text(`the overlay at ${code(at)}`, `${code(at)} 上的 overlay`);
    }
    case 'entry': {
      const dir = state.overlays?.[binding.overlay]?.layers[binding.layer]?.dir;
      return both(code(dir === undefined ? binding.path : `${dir}/${binding.path}`));
    }
    case 'link': {
      const link = state.networks?.[binding.netNs]?.links[binding.index];
      return link === undefined ? GONE : both(code(link.name));
    }
    case 'listener':
      return text(`port ${binding.port}`, `端口 ${binding.port}`);
    case 'call': {
      const call = state.calls?.find(({ seq }) => seq === binding.seq);
      return call === undefined ? GONE : both(code(`${call.name}()`));
    }
    case 'command': {
      const command = state.commands?.[binding.id];
      return command === undefined ? GONE : both(code(command.line ?? 'the command'));
    }
  }
}

const GONE = text('one that is gone', '已经消失的对象');

function processName(key: string, state: State): LocalText {
  const process = state.processes[key];
  if (process === undefined) return GONE;
  const [, outer, ...inner] = process.pids;
  const en = inner.length === 0 ? '' : `, ${inner.at(-1)} inside`;
  const zh = inner.length === 0 ? '' : `，在里面是 ${inner.at(-1)}`;
  return text(
    `${code(process.comm)} (PID ${outer}${en})`,
    `${code(process.comm)}（PID ${outer}${zh}）`,
  );
}

function namespaceName(inode: number, state: State): LocalText {
  const namespace = state.namespaces[inode];
  if (namespace === undefined) return both(code(`[${inode}]`));
  const name = code(`${namespace.kind}:[${inode}]`);
  if (namespace.ofSandbox) return text(`${name} (the sandbox’s own)`, `${name}（沙箱自己的）`);
  if (namespace.ofHost) return text(`${name} (the host’s own)`, `${name}（宿主机自己的）`);
  return both(name);
}

/** What a path leads to, with its type; `undefined` where the object or the fact is not there. */
export function readPath(
  path: Path,
  bindings: Bindings,
  state: State,
): { readonly value: unknown; readonly type: FieldType | null } {
  try {
    return { value: resolve(path, bindings, state), type: typeOf(path, bindings) };
  } catch (error) {
    if (error instanceof Unbound) return { value: undefined, type: null };
    throw error;
  }
}

/** Nodes that a path walks over, the last field's own type at the end. */
function nodesOf(path: Path, bindings: Bindings): (FieldType | null)[] {
  const [variable = '', ...fields] = path.split('.');
  let type: FieldType | null =
    variable === 'sandbox' ? 'sandbox' : (bindings[variable]?.kind ?? null);
  const nodes: (FieldType | null)[] = [type];
  for (const field of fields) {
    type = nextType(type, field);
    nodes.push(type);
  }
  return nodes;
}

function nextType(type: FieldType | null, field: string): FieldType | null {
  if (type === null || type === 'value') return null;
  if (type === 'list') return 'value';
  return FIELDS[type][field] ?? null;
}

function typeOf(path: Path, bindings: Bindings): FieldType | null {
  return nodesOf(path, bindings).at(-1) ?? null;
}

/** Hops that say nothing by themselves: `namespaces.pid` is the PID namespace. */
const SILENT: ReadonlySet<FieldType | null> = new Set([
  'namespaces',
  'facts',
  'uid',
  'capabilities',
]);

/**
 * A path in words: `name`, `name of the parent`, `PID namespace of `sh` (PID 12)`.
 *
 * @param own the variable that the sentence speaks of already
 */
export function pathName(
  path: Path,
  bindings: Bindings,
  state: State,
  own: string | null,
): LocalText {
  const [variable = '', ...fields] = path.split('.');
  const nodes = nodesOf(path, bindings);
  let said = variable === own ? null : ownerName(variable, bindings, state);
  const isSandbox = variable === 'sandbox';
  for (const [i, field] of fields.entries()) {
    const node = nodes[i] ?? null;
    const isLast = i === fields.length - 1;
    if (!isLast && SILENT.has(nodes[i + 1] ?? null)) continue;
    const label = labelOf(node, field);
    if (said === null) said = label;
    else if (isSandbox && i <= 1)
      said = text(`the sandbox’s own ${label.en}`, `沙箱自己的${label.zh}`);
    else said = text(`${label.en} of ${ofWhat(said.en)}`, `${said.zh}的${label.zh}`);
  }
  return said ?? text('it', '它');
}

function ownerName(variable: string, bindings: Bindings, state: State): LocalText {
  if (variable === 'sandbox') return text('the sandbox', '沙箱');
  const binding = bindings[variable];
  return binding === undefined ? both(variable) : objectName(binding, state);
}

function ofWhat(name: string): string {
  return /^(the |`|one )/.test(name) ? name : `the ${name}`;
}

function labelOf(node: FieldType | null, field: string): LocalText {
  if (node === 'list') return text(`entry ${field}`, `第 ${field} 项`);
  const known = node === null || node === 'value' ? undefined : LABELS[node as NodeKind][field];
  return known ?? both(field);
}

/** A value that a path led to, in words. */
export function valueName(
  value: unknown,
  type: FieldType | null,
  field: string,
  state: State,
): LocalText {
  if (value === undefined) return text('not there', '没有');
  if (value === null) return text('none', '无');
  if (type === 'namespace' && typeof value === 'number') return namespaceName(value, state);
  if (type === 'process' && typeof value === 'string') return processName(value, state);
  if (type === 'namespaces')
    return namespacesName(value as Readonly<Record<string, number>>, state);
  if (typeof value === 'boolean') return value ? text('yes', '是') : text('no', '否');
  if (typeof value === 'number' && field.endsWith('Bytes')) return both(code(bytes(value)));
  if (Array.isArray(value))
    return value.length === 0 ? text('empty', '空') : both(code(value.join(' ')));
  if (typeof value === 'number') return both(code(String(Math.round(value * 100) / 100)));
  return value === '' ? text('empty', '空') : both(code(String(value)));
}

/** All eight at once: those that are not the sandbox's own are what counts. */
function namespacesName(value: Readonly<Record<string, number>>, state: State): LocalText {
  const own = Object.entries(value).filter(
    ([, inode]) => state.namespaces[inode]?.ofSandbox !== true,
  );
  if (own.length === 0) return text('all the sandbox’s own', '全是沙箱自己的');
  const kinds = own.map(([kind]) => code(kind)).join(', ');
  return text(`other than the sandbox’s: ${kinds}`, `与沙箱不同的：${kinds}`);
}

function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let [size, unit] = [value, 0];
  while (size >= 1024 && size % 1024 === 0 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size} ${units[unit]}`;
}

/** Markdown code; a backtick in a name would end it. */
export function code(value: string): string {
  return `\`${value.replaceAll('`', '’')}\``;
}

export function both(same: string): LocalText {
  return { en: same, zh: same };
}

/** Stands for an object that is not there, so that a path from it can be named all the same. */
export function absent(kind: SubjectKind): Binding {
  switch (kind) {
    case 'process':
    case 'overlay':
      return { kind, key: '' };
    case 'namespace':
      return { kind, inode: -1 };
    case 'mount':
      return { kind, mountNs: -1, mountId: -1 };
    case 'cgroup':
      return { kind, path: '' };
    case 'entry':
      return { kind, overlay: '', layer: -1, path: '' };
    case 'link':
      return { kind, netNs: -1, index: -1 };
    case 'listener':
      return { kind, netNs: -1, protocol: '', address: '', port: -1 };
    case 'call':
      return { kind, seq: -1 };
    case 'command':
      return { kind, id: '' };
  }
}
