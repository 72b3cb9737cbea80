/** What changed in a mount table, between two readings of one process's mountinfo. Pure. */
import type { KernelChange } from './kernel-change.js';
import type { MountRow, ProcessKernelState, Words } from './kernel-state.js';
import { count, some } from './phrases.js';

type Draft = Omit<KernelChange, 'process' | 'source' | 'kind'>;

/** So many rows of one sort are told one by one; more become one sentence. */
const ONE_BY_ONE = 4;

/**
 * Compares two tables of the same mount namespace. With another root a process reaches other
 * mounts: what it no longer sees need not be unmounted.
 */
export function diffMounts(before: ProcessKernelState, after: ProcessKernelState): Draft[] {
  const old = new Map(before.mounts.map((row) => [row.mountId, row]));
  const now = new Map(after.mounts.map((row) => [row.mountId, row]));
  const rooted = before.root.identity !== after.root.identity;
  const kept = after.mounts.flatMap((row) => {
    const was = old.get(row.mountId);
    return was === undefined ? [] : [[was, row] as const];
  });
  return [
    ...appeared(after.mounts.filter(({ mountId }) => !old.has(mountId))),
    ...vanished(
      before.mounts.filter(({ mountId }) => !now.has(mountId)),
      rooted,
    ),
    ...grouped(kept, ({ mountPoint }) => mountPoint, 'place'),
    ...grouped(kept, ({ propagation }) => propagation || 'private', 'propagation'),
    ...grouped(kept, options, 'options'),
  ];
}

/** `proc on /proc (proc)`: as mount(8) says it. */
function title({ mountSource, mountPoint, fsType, root }: MountRow): string {
  const part = root === '/' ? '' : `${root} of `;
  return `${mountPoint} (${fsType}, ${part}${mountSource})`;
}

function options(row: MountRow): string {
  const own = row.mountOptions.split(',');
  return [...own, ...row.superOptions.split(',').filter((one) => !own.includes(one))].join(',');
}

function appeared(rows: readonly MountRow[]): Draft[] {
  if (rows.length > ONE_BY_ONE) {
    const places = some(rows.map(({ mountPoint }) => mountPoint));
    return [
      draft('new', `${rows.length} mounts`, null, String(rows.length), {
        en: `${count(rows.length, 'mount', 'mounts')} appeared: ${places.en}`,
        zh: `出现了 ${rows.length} 个挂载：${places.zh}`,
      }),
    ];
  }
  return rows.map((row) =>
    draft('new', row.mountPoint, null, title(row), {
      en: `mount ${title(row)} appeared, ${row.mountOptions}`,
      zh: `出现挂载 ${title(row)}，${row.mountOptions}`,
    }),
  );
}

function vanished(rows: readonly MountRow[], rooted: boolean): Draft[] {
  if (rows.length === 0) return [];
  const how = rooted
    ? { en: 'out of sight: not below the new root', zh: '不再可见：不在新的根之下' }
    : { en: 'gone', zh: '消失了' };
  if (rows.length > ONE_BY_ONE) {
    const places = some(rows.map(({ mountPoint }) => mountPoint));
    return [
      draft('gone', `${rows.length} mounts`, String(rows.length), null, {
        en: `${count(rows.length, 'mount is', 'mounts are')} ${how.en}: ${places.en}`,
        zh: `${rows.length} 个挂载${how.zh}：${places.zh}`,
      }),
    ];
  }
  return rows.map((row) =>
    draft('gone', row.mountPoint, title(row), null, {
      en: `mount ${title(row)} is ${how.en}`,
      zh: `挂载 ${title(row)} ${how.zh}`,
    }),
  );
}

/** Rows that changed in one respect, those with the same change together. */
function grouped(
  kept: readonly (readonly [MountRow, MountRow])[],
  respect: (row: MountRow) => string,
  what: 'place' | 'propagation' | 'options',
): Draft[] {
  const changed = kept.filter(([was, is]) => respect(was) !== respect(is));
  if (changed.length <= ONE_BY_ONE) {
    return changed.map(([was, is]) => {
      const words = changeWords(is.mountPoint, respect(was), respect(is), what);
      return draft('changed', is.mountPoint, respect(was), respect(is), words);
    });
  }
  const places = some(changed.map(([, { mountPoint }]) => mountPoint));
  const [first] = changed;
  const sample = first === undefined ? null : [respect(first[0]), respect(first[1])];
  const name = WHAT[what];
  const example = what === 'propagation' ? ` (${sample?.[0]} → ${sample?.[1]}, …)` : '';
  return [
    draft('changed', `${changed.length} mounts`, null, null, {
      en: `${name.en} of ${changed.length} mounts changed${example}: ${places.en}`,
      zh: `${changed.length} 个挂载的${name.zh}改变${example}：${places.zh}`,
    }),
  ];
}

const WHAT: Readonly<Record<'place' | 'propagation' | 'options', Words>> = {
  place: { en: 'the place', zh: '位置' },
  propagation: { en: 'the propagation', zh: '传播方式' },
  options: { en: 'the options', zh: '选项' },
};

function changeWords(place: string, was: string, is: string, what: keyof typeof WHAT): Words {
  if (what === 'place') {
    return { en: `mount ${was} is now at ${is}`, zh: `挂载 ${was} 现在位于 ${is}` };
  }
  if (what === 'propagation') {
    return {
      en: `propagation of ${place}: ${was} → ${is}`,
      zh: `${place} 的传播方式：${was} → ${is}`,
    };
  }
  const [gone, come] = difference(was, is);
  return {
    en: `options of ${place}: ${gone} → ${come}`,
    zh: `${place} 的选项：${gone} → ${come}`,
  };
}

/** Only what differs: `rw` → `ro,nosuid`. */
function difference(was: string, is: string): [string, string] {
  const old = was.split(',');
  const now = is.split(',');
  const gone = old.filter((one) => !now.includes(one)).join(',');
  const come = now.filter((one) => !old.includes(one)).join(',');
  return [gone || '–', come || '–'];
}

function draft(
  effect: Draft['effect'],
  subject: string,
  before: string | null,
  after: string | null,
  words: Words,
): Draft {
  return { effect, subject, before, after, words };
}
