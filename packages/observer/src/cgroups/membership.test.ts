import type { ProcessState } from '@terrarium/timeline';
import { describe, expect, it } from 'vitest';
import type { CgroupPlace } from '../cgroup-walk.js';
import { elsewhere, movedIn, pathsOf, rebased, sameElsewhere } from './membership.js';

const place = (controllers: string, hierarchy: number): CgroupPlace => ({
  ...{ dir: `/sys/fs/cgroup/${controllers}/lab/s1`, controllers, hierarchy, path: '/lab/s1' },
});
const PLACES = [place('cpu', 1), place('memory', 4), place('name=systemd', 9), place('', 0)];

const TEXT = `9:name=systemd:/lab/s1
4:memory:/lab/s1/box:with:colons
1:cpu:/lab/s1/box
0::/elsewhere
`;

const process = (cgroup: string, cgroups?: Record<string, string>): ProcessState =>
  ({ cgroup, ...(cgroups && { cgroups }) }) as ProcessState;

describe('pathsOf', () => {
  it('gives paths below the sandbox, and leaves out hierarchies in which it is outside', () => {
    expect([...pathsOf(TEXT, PLACES)].sort()).toEqual([
      ['cpu', '/box'],
      ['memory', '/box:with:colons'],
      ['name=systemd', '/'],
    ]);
  });
});

describe('elsewhere', () => {
  it('keeps only what differs from the watched hierarchy', () => {
    expect(elsewhere(pathsOf(TEXT, PLACES), '/box')).toEqual({
      memory: '/box:with:colons',
      'name=systemd': '/',
    });
  });
});

describe('rebased', () => {
  it('says where a process stays that moved in the watched hierarchy alone', () => {
    expect(rebased(process('/'), '/box', ['memory', 'pids'])).toEqual({ memory: '/', pids: '/' });
    expect(rebased(process('/', { memory: '/box' }), '/box', ['memory', 'pids'])).toEqual({
      pids: '/',
    });
  });
});

describe('movedIn', () => {
  it('adds, changes and removes one hierarchy', () => {
    expect(movedIn(process('/'), 'memory', '/box')).toEqual({ memory: '/box' });
    expect(movedIn(process('/', { memory: '/box', pids: '/a' }), 'memory', '/')).toEqual({
      pids: '/a',
    });
  });
});

describe('sameElsewhere', () => {
  it('takes nothing and an empty record for the same', () => {
    expect(sameElsewhere(undefined, {})).toBe(true);
    expect(sameElsewhere({ a: '/' }, {})).toBe(false);
    expect(sameElsewhere({ a: '/' }, { a: '/' })).toBe(true);
  });
});
