/**
 * Where a fence is read from: files of /proc, /sys and the cgroups, as the host's root sees them,
 * and what a process finds below its own root. Everything may vanish or be forbidden meanwhile:
 * then it is null, never an exception.
 */
import { fstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { O } from '@terrarium/syscall';
import { belowRoot } from '../below-root.js';
import type { RawValue } from './schema.js';

/** Number and type of a device node. */
export interface DeviceNode {
  readonly type: 'c' | 'b';
  readonly major: number;
  readonly minor: number;
}

/** Reads; tests pass their own. */
export interface FenceSource {
  /** content without the last newline */
  read(path: string): string | null;
  link(path: string): string | null;
  /** names in a directory below the root of `pid` */
  list(pid: number, path: string): readonly string[];
  /** what is at a path below the root of `pid`; null for what is no device, too */
  device(pid: number, path: string): DeviceNode | null;
  isDirectory(pid: number, path: string): boolean;
}

/** This host. */
export const KERNEL_SOURCE: FenceSource = {
  read: (path) => quietly(() => readFileSync(path, 'utf8').replace(/\n$/, '')),
  link: (path) => quietly(() => readlinkSync(path)),
  list: (pid, path) =>
    look(pid, path, O.O_DIRECTORY, (fd) => readdirSync(`/proc/self/fd/${fd}`)) ?? [],
  device: (pid, path) => look(pid, path, O.O_NOFOLLOW, (fd) => nodeOf(fstatSync(fd))),
  isDirectory: (pid, path) => look(pid, path, 0, (fd) => fstatSync(fd).isDirectory()) ?? false,
};

/** As belowRoot, on an O_PATH fd. */
function look<T>(pid: number, path: string, flags: number, use: (fd: number) => T): T | null {
  return quietly(() => belowRoot(pid, path, O.O_PATH | flags, use));
}

function nodeOf(status: Stats): DeviceNode | null {
  if (!status.isCharacterDevice() && !status.isBlockDevice()) return null;
  const { rdev } = status;
  return {
    type: status.isBlockDevice() ? 'b' : 'c',
    major: (rdev >> 8) & 0xfff,
    minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00),
  };
}

function quietly<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null; // gone, or not ours to read
  }
}

/** A raw value for an entry; what cannot be read is said so. */
export function rawOf(source: FenceSource, path: string): RawValue {
  return { path, value: source.read(path) ?? UNREADABLE };
}

/** Stands for a value that the kernel did not give. */
export const UNREADABLE = '(not readable)';
