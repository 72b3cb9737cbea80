/**
 * Rows of /proc/PID/mountinfo, see proc_pid_mountinfo(5). Pure text.
 *
 *     36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
 */
import type { MountState } from '@terrarium/timeline';

/** More rows than this of one mount namespace are left out: a learner may mount 100,000 times. */
export const MAX_MOUNT_ROWS = 2000;

/** Parses a whole file; rows that are not understood are left out. */
export function parseMountinfo(text: string): MountState[] {
  const rows: MountState[] = [];
  for (const line of text.split('\n')) {
    const row = parseMountRow(line);
    if (row !== null) rows.push(row);
    if (rows.length === MAX_MOUNT_ROWS) break;
  }
  return rows;
}

/** Parses one row; null for what is none. */
export function parseMountRow(line: string): MountState | null {
  const fields = line.split(' ');
  const dash = fields.indexOf('-', 6);
  if (dash < 0 || fields.length < dash + 4) return null;
  const [mountId, parentId, device, root, mountPoint, mountOptions] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return {
    mountId: Number(mountId),
    parentId: Number(parentId),
    device,
    root: unescapeOctal(root),
    mountPoint: unescapeOctal(mountPoint),
    mountOptions,
    optionalFields: fields.slice(6, dash),
    fsType: fields[dash + 1] ?? '',
    mountSource: unescapeOctal(fields[dash + 2] ?? ''),
    superOptions: unescapeOctal(fields[dash + 3] ?? ''),
  };
}

/** Space, tab, newline and backslash stand as `\040` and so on, see proc_pid_mountinfo(5). */
function unescapeOctal(field: string): string {
  if (!field.includes('\\')) return field;
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** Same row in every field that the timeline carries. */
export function sameMount(a: MountState, b: MountState): boolean {
  return (
    a.mountId === b.mountId &&
    a.parentId === b.parentId &&
    a.device === b.device &&
    a.root === b.root &&
    a.mountPoint === b.mountPoint &&
    a.mountOptions === b.mountOptions &&
    a.fsType === b.fsType &&
    a.mountSource === b.mountSource &&
    a.superOptions === b.superOptions &&
    a.procPidNs === b.procPidNs &&
    a.optionalFields.join(' ') === b.optionalFields.join(' ')
  );
}
