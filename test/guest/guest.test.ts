/**
 * That the guest is what it is for: Debian's own kernel, cgroup v2 alone with every controller
 * handed down, and this checkout's base image. Runs inside it only (scripts/guest/suite.mjs).
 */
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { describe, expect, test } from 'vitest';
import { detectCgroupLayout } from '../../packages/engine/src/index.js';

const read = (file: string): string => readFileSync(file, 'utf8').trim();

describe('guest', () => {
  test('runs Debian’s cloud kernel', () => {
    expect(release()).toMatch(/-cloud-amd64$/);
    expect(read('/proc/version')).toContain('Debian');
  });

  test('has cgroup v2 and nothing of v1', () => {
    const kinds = read('/proc/self/mountinfo').match(/ - cgroup2? /g);
    expect(kinds).toEqual([' - cgroup2 ']);
    expect(detectCgroupLayout().kind).toBe('v2');
  });

  test('hands every controller down, as systemd does', () => {
    const handed = read('/sys/fs/cgroup/cgroup.subtree_control').split(' ');
    expect(handed).toEqual(expect.arrayContaining(['cpu', 'cpuset', 'io', 'memory', 'pids']));
    expect(handed.sort()).toEqual(read('/sys/fs/cgroup/cgroup.controllers').split(' ').sort());
  });

  test('has the base image of the machine that it runs on', () => {
    expect(existsSync(`${process.env['GUEST_BASE_IMAGE']}/usr/bin/bash`)).toBe(true);
  });
});
