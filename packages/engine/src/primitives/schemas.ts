/** Parameters that several primitives have. */
import { linuxIdMapping } from '@terrarium/spec';
import { NAMESPACE_KINDS } from '@terrarium/syscall';
import { z } from 'zod';

export const absolutePath = z.string().startsWith('/').describe('absolute, as the process sees it');

/** As /proc/PID/ns names them. */
export const namespaceKind = z.enum(
  NAMESPACE_KINDS.map(({ proc }) => proc) as [
    (typeof NAMESPACE_KINDS)[number]['proc'],
    ...(typeof NAMESPACE_KINDS)[number]['proc'][],
  ],
);

export const idMappings = z.array(linuxIdMapping).min(1);

/** How a user namespace maps ids. */
export const idMaps = z.strictObject({
  uid: idMappings.describe('rows of uid_map'),
  gid: idMappings.describe('rows of gid_map'),
  setgroups: z
    .boolean()
    .default(true)
    .describe('false: forbid setgroups(2) inside, before gid_map'),
});

const offset = z.strictObject({ secs: z.int(), nanosecs: z.int().nonnegative().optional() });

/** Offsets of the clocks of a time namespace. */
export const timeOffsets = z.strictObject({
  monotonic: offset.optional(),
  boottime: offset.optional(),
});

export const propagationKind = z.enum(['shared', 'private', 'slave', 'unbindable']);
