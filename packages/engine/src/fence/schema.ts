/**
 * The fence of a process as data: what holds it, in words and as the raw values that the kernel
 * gave. JSON, so that a page, `doctor` and a lesson's hint read the same. The schema is the manual.
 */
import { z } from 'zod';

export const words = z.object({ en: z.string(), zh: z.string() });

/** What kind of thing holds. */
export const mechanism = z.enum([
  'namespace',
  'id-map',
  'credentials',
  'capability',
  'no-new-privs',
  'seccomp',
  'securebits',
  'root',
  'mask',
  'read-only',
  'mount-flags',
  'device',
  'cgroup',
  'rlimit',
  'oom',
  'namespace-limit',
  'lsm',
  'keyring',
  'terminal',
  'sysctl',
]);

/** One value as it stands in the kernel's file; `path` says whose file, or which record of ours. */
export const rawValue = z.object({ path: z.string(), value: z.string() });

export const fenceEntry = z.object({
  id: z.string().describe('stable: `namespace.pid`, `capability.CAP_SYS_MODULE`'),
  mechanism,
  title: words,
  sentence: words,
  raw: z.array(rawValue),
  refuses: z.array(z.string()).describe('`bpf: EPERM`, as far as it can be said in a list'),
});

const capabilitySet = z.array(z.string());

export const capabilitySets = z.object({
  inheritable: capabilitySet,
  permitted: capabilitySet,
  effective: capabilitySet,
  bounding: capabilitySet,
  ambient: capabilitySet,
});

const limit = z.object({
  max: z.number().nullable().describe('null: no limit'),
  current: z.number().nullable(),
});

/** What `explainRefusal` asks: the same facts, as values instead of sentences. */
export const fenceFacts = z.object({
  sharedNamespaces: z.array(z.string()).describe('kinds that it shares with the host'),
  uidMap: z.array(z.tuple([z.number(), z.number(), z.number()])),
  gidMap: z.array(z.tuple([z.number(), z.number(), z.number()])),
  setgroups: z.boolean(),
  capabilities: capabilitySets,
  noNewPrivs: z.boolean(),
  seccomp: z.object({
    filters: z.number().nullable(),
    rules: z
      .array(
        z.object({
          names: z.array(z.string()),
          errno: z.number().nullable().describe('null: ends the process'),
          conditional: z.boolean().describe('only with certain arguments'),
        }),
      )
      .nullable()
      .describe('of the profile that we loaded; null: the filter is not ours'),
  }),
  mounts: z.array(
    z.object({
      point: z.string(),
      type: z.string(),
      options: z.array(z.string()).describe('of the mount'),
      superOptions: z.array(z.string()).describe('of the file system'),
    }),
  ),
  devices: z.object({
    rules: z.array(z.string()).nullable().describe('v1 devices.list'),
    programs: z.number().nullable().describe('v2: eBPF programs that decide'),
    nodes: z.array(z.string()),
  }),
  memory: limit.nullable(),
  pids: limit.nullable(),
  rlimits: z.record(
    z.string(),
    z.object({ soft: z.number().nullable(), hard: z.number().nullable() }),
  ),
  namespaceLimits: z.record(z.string(), z.number()).nullable(),
  legacyTiocsti: z.boolean().nullable(),
});

export const fence = z.object({
  pid: z.number().describe('host pid'),
  command: z.string(),
  entries: z.array(fenceEntry),
  facts: fenceFacts,
});

export type Words = z.infer<typeof words>;
export type Mechanism = z.infer<typeof mechanism>;
export type RawValue = z.infer<typeof rawValue>;
export type FenceEntry = z.infer<typeof fenceEntry>;
export type CapabilitySets = z.infer<typeof capabilitySets>;
export type FenceFacts = z.infer<typeof fenceFacts>;
export type Fence = z.infer<typeof fence>;
