/**
 * Why a process does not come back from its system call: what /proc/PID/syscall and wchan say of a
 * sleeping process. Runs in the daemon, as root; a process that runs is never called blocked.
 */
import { readlinkSync } from 'node:fs';
import { hostArchitecture, SYSCALL_NUMBERS } from '@terrarium/syscall';
import type { Words } from './kernel-state.js';
import { text } from './read-process.js';

/** A process that sleeps in a call. */
export interface BlockedFact {
  readonly syscall: string;
  /** what it waits for */
  readonly words: Words;
  /** where the kernel says so */
  readonly source: string;
}

/** Asks whether a process sleeps in that call. @returns null when it runs, or sleeps elsewhere */
export type BlockedProbe = (hostPid: number, syscall: string) => BlockedFact | null;

/** The probe of this host's /proc. */
export function blockedIn(hostPid: number, syscall: string): BlockedFact | null {
  const state = /\) (.) /.exec(text(`/proc/${hostPid}/stat`) ?? '')?.[1];
  // D is work on a device or in the kernel, which ends by itself.
  if (state !== 'S') return null;
  const fields = (text(`/proc/${hostPid}/syscall`) ?? '').trim().split(' ');
  const number = SYSCALL_NUMBERS[hostArchitecture()][syscall];
  if (number === undefined || fields[0] !== String(number)) return null;
  const first = Number.parseInt(fields[1] ?? '0', 16);
  return { syscall, words: reasonOf(hostPid, syscall, first), source: `/proc/${hostPid}/syscall` };
}

const CHILD_CALLS = new Set(['wait4', 'waitid']);
const FILE_CALLS = new Set(['read', 'write', 'recvmsg', 'recvfrom', 'connect', 'accept4']);

function reasonOf(hostPid: number, syscall: string, first: number): Words {
  if (CHILD_CALLS.has(syscall)) {
    return { en: `${syscall}: until a child ends`, zh: `${syscall}：等待子进程结束` };
  }
  if (FILE_CALLS.has(syscall)) {
    const target = linkOf(hostPid, first);
    return {
      en: `${syscall}(${first}): until ${target} has something for it`,
      zh: `${syscall}(${first})：等待 ${target} 就绪`,
    };
  }
  const where = text(`/proc/${hostPid}/wchan`)?.trim();
  const place = where === undefined || where === '0' ? '' : ` (${where})`;
  return { en: `${syscall}: asleep in the kernel${place}`, zh: `${syscall}：在内核中睡眠${place}` };
}

function linkOf(hostPid: number, fd: number): string {
  try {
    return readlinkSync(`/proc/${hostPid}/fd/${fd}`);
  } catch {
    return `fd ${fd}`;
  }
}
