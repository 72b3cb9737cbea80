/** Mount options as mount(8) and the OCI config write them → mount(2)'s flags and data. */
import { flagged, MS, type Shown } from '@terrarium/syscall';

const FLAG_OF: Readonly<Record<string, keyof typeof MS>> = {
  ro: 'MS_RDONLY',
  nosuid: 'MS_NOSUID',
  nodev: 'MS_NODEV',
  noexec: 'MS_NOEXEC',
  sync: 'MS_SYNCHRONOUS',
  dirsync: 'MS_DIRSYNC',
  nosymfollow: 'MS_NOSYMFOLLOW',
  noatime: 'MS_NOATIME',
  nodiratime: 'MS_NODIRATIME',
  relatime: 'MS_RELATIME',
  strictatime: 'MS_STRICTATIME',
  bind: 'MS_BIND',
  remount: 'MS_REMOUNT',
};

/** Options that only say what is the case anyway. */
const DEFAULTS = new Set(['rw', 'suid', 'dev', 'exec', 'async', 'defaults']);

/** What mount(2) takes. */
export interface ParsedOptions {
  readonly flags: Shown;
  /** comma-separated, for the file system itself */
  readonly data: string;
}

/** Splits options into flags and the file system's own data; order of data is kept. */
export function parseMountOptions(options: readonly string[]): ParsedOptions {
  const names: (keyof typeof MS)[] = [];
  const data: string[] = [];
  for (const option of options) {
    if (DEFAULTS.has(option)) continue;
    if (option === 'rbind') names.push('MS_BIND', 'MS_REC');
    else if (FLAG_OF[option] !== undefined) names.push(FLAG_OF[option]);
    else data.push(option);
  }
  names.sort((a, b) => MS[a] - MS[b]); // as strace shows them
  return { flags: flagged(MS, ...names), data: data.join(',') };
}
