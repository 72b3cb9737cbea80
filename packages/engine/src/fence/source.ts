/**
 * Where a fence is read from: files of /proc, /sys and the cgroups, as the host's root sees them.
 * Everything may vanish or be forbidden meanwhile: then it is null, never an exception.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
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
  list(path: string): readonly string[];
  /** @returns null for what is no device, too */
  device(path: string): DeviceNode | null;
  isDirectory(path: string): boolean;
}

/** This host. */
export const KERNEL_SOURCE: FenceSource = {
  read: (path) => quietly(() => readFileSync(path, 'utf8').replace(/\n$/, '')),
  link: (path) => quietly(() => readlinkSync(path)),
  list: (path) => quietly(() => readdirSync(path)) ?? [],
  device: (path) =>
    quietly(() => {
      const status = lstatSync(path);
      if (!status.isCharacterDevice() && !status.isBlockDevice()) return null;
      const { rdev } = status;
      return {
        type: status.isBlockDevice() ? 'b' : 'c',
        major: (rdev >> 8) & 0xfff,
        minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00),
      };
    }),
  isDirectory: (path) => quietly(() => statSync(path).isDirectory()) ?? false,
};

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
