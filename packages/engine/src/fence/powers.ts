/** What the process may ask for at all: capability sets, no_new_privs, securebits. */
import { CAPABILITIES } from '@terrarium/syscall';
import { DROPPED_CAPABILITIES } from '../capabilities.js';
import { CAPABILITY_WORDS, DROPPED_ZH } from './capability-words.js';
import type { CapabilitySets, FenceEntry, Words } from './schema.js';
import { UNREADABLE } from './source.js';

const SETS: readonly (readonly [set: keyof CapabilitySets, field: string, words: Words])[] = [
  [
    'inheritable',
    'CapInh',
    { en: 'handed to programs whose file asks for them', zh: '交给文件上要求它们的程序' },
  ],
  ['permitted', 'CapPrm', { en: 'what it may make effective', zh: '它可以启用的' }],
  ['effective', 'CapEff', { en: 'what the kernel asks for', zh: '内核检查的就是这一集' }],
  [
    'bounding',
    'CapBnd',
    { en: 'what no program that it starts can get beyond', zh: '它启动的任何程序都超不出的范围' },
  ],
  [
    'ambient',
    'CapAmb',
    { en: 'kept over execve by ordinary programs', zh: '普通程序在 execve 后仍保留的' },
  ],
];

/** A mask of /proc/PID/status as names; bits without a name as `bit 41`. */
export function namesOf(hex: string | undefined): string[] {
  let bits = BigInt(`0x${hex ?? '0'}`);
  const names: string[] = [];
  for (let bit = 0; bits > 0n; bit += 1, bits >>= 1n) {
    if ((bits & 1n) === 0n) continue;
    names.push(Object.entries(CAPABILITIES).find(([, one]) => one === bit)?.[0] ?? `bit ${bit}`);
  }
  return names;
}

/** The five sets. */
export function capabilitySetsOf(status: ReadonlyMap<string, string>): CapabilitySets {
  const entries = SETS.map(([set, field]) => [set, namesOf(status.get(field))] as const);
  return Object.fromEntries(entries) as CapabilitySets;
}

/** One entry a set, one for each capability that is missing, no_new_privs and securebits. */
export function powerEntries(
  pid: number,
  status: ReadonlyMap<string, string>,
  lastCapability: number,
): FenceEntry[] {
  const sets = capabilitySetsOf(status);
  return [
    ...SETS.map(([set, field, words]) => setEntry(pid, status, set, field, words, sets[set])),
    ...Object.entries(CAPABILITIES)
      .filter(([name, bit]) => bit <= lastCapability && !sets.effective.includes(name))
      .map(([name]) => missingEntry(name, sets, pid, status)),
    noNewPrivsEntry(pid, status),
    securebitsEntry(),
  ];
}

function setEntry(
  pid: number,
  status: ReadonlyMap<string, string>,
  set: keyof CapabilitySets,
  field: string,
  words: Words,
  names: readonly string[],
): FenceEntry {
  const list = names.length === 0 ? 'none' : names.join(' ');
  return {
    id: `capability.${set}`,
    mechanism: 'capability',
    title: { en: `${set} capabilities`, zh: `${set} 权能集` },
    sentence: {
      en: `${names.length}: ${words.en}`,
      zh: `${names.length} 个：${words.zh}`,
    },
    raw: [
      { path: `/proc/${pid}/status ${field}`, value: status.get(field) ?? UNREADABLE },
      { path: `names of ${field}`, value: list },
    ],
    refuses: [],
  };
}

function missingEntry(
  name: string,
  sets: CapabilitySets,
  pid: number,
  status: ReadonlyMap<string, string>,
): FenceEntry {
  const words = CAPABILITY_WORDS[name];
  const reason = DROPPED_CAPABILITIES.find((one) => one.name === name)?.reason;
  const forEver = !sets.bounding.includes(name);
  const en = [
    `it would allow ${words?.allows.en ?? 'something that this version does not know'}`,
    ...(forEver && reason !== undefined ? [`a sandbox drops it: ${reason}`] : []),
    forEver ? 'no program can bring it back' : 'a program with it on its file would get it',
  ];
  const zh = [
    `它可用于：${words?.allows.zh ?? '此版本未知的操作'}`,
    ...(forEver && DROPPED_ZH[name] !== undefined ? [`沙箱放弃它的原因：${DROPPED_ZH[name]}`] : []),
    forEver ? '任何程序都拿不回来' : '文件上带有它的程序可以得到它',
  ];
  return {
    id: `capability.${name}`,
    mechanism: 'capability',
    title: { en: `without ${name}`, zh: `没有 ${name}` },
    sentence: { en: en.join('; '), zh: zh.join('；') },
    raw: [
      {
        path: `/proc/${pid}/status CapEff`,
        value: `bit ${(CAPABILITIES as Record<string, number>)[name]} of ${status.get('CapEff')} is 0`,
      },
    ],
    refuses: (words?.calls ?? []).map((call) => `${call}: EPERM`),
  };
}

function noNewPrivsEntry(pid: number, status: ReadonlyMap<string, string>): FenceEntry {
  const on = status.get('NoNewPrivs') === '1';
  return {
    id: 'no-new-privs',
    mechanism: 'no-new-privs',
    title: { en: 'no new privileges', zh: '不再增加特权' },
    sentence: on
      ? {
          en: 'on: set-user-ID programs run as the user who starts them, file capabilities give nothing',
          zh: '已开启：set-user-ID 程序以启动者身份运行，文件权能不起作用',
        }
      : {
          en: 'off: set-user-ID programs (su, sudo) work, within the id maps and the bounding set',
          zh: '未开启：set-user-ID 程序（su、sudo）有效，但受 ID 映射和边界集限制',
        },
    raw: [
      { path: `/proc/${pid}/status NoNewPrivs`, value: status.get('NoNewPrivs') ?? UNREADABLE },
    ],
    refuses: [],
  };
}

/** The kernel tells only the process itself (PR_GET_SECUREBITS). */
function securebitsEntry(): FenceEntry {
  return {
    id: 'securebits',
    mechanism: 'securebits',
    title: { en: 'securebits', zh: 'securebits' },
    sentence: {
      en: 'only the process itself can ask for them; no plan of ours sets any, so root has its usual powers',
      zh: '只有进程自己能查询；我们的计划不设置它们，所以 root 拥有通常的特权',
    },
    raw: [{ path: 'prctl(PR_GET_SECUREBITS)', value: UNREADABLE }],
    refuses: [],
  };
}
