import { describe, expect, it } from 'vitest';
import type { Check, Clause } from './check.js';
import { kindsOf } from './mentions.js';

const message = { en: 'x', zh: 'x' };
const check = (...clauses: readonly Clause[]): Check => ({ clauses });

describe('kindsOf', () => {
  it('names what clauses look for', () => {
    const asked = check(
      { id: 'a', message, exists: { call: 'c' }, where: [] },
      { id: 'b', message, notExists: { mount: 'm', in: 'p.namespaces.mnt' }, where: [] },
    );
    expect([...kindsOf(asked)]).toEqual(['call', 'mount']);
  });

  it('finds what stands inside of conditions', () => {
    const inner = { not: { exists: { call: 'c' }, where: [] } };
    const asked = check({ id: 'a', message, that: [{ any: [inner] }] });
    expect([...kindsOf(asked)]).toEqual(['call']);
  });

  it('does not take a word in a message or a value for a kind', () => {
    const asked = check({
      id: 'a',
      message: { en: 'call', zh: 'call' },
      exists: { process: 'p' },
      where: [{ field: 'p.comm', equals: 'call' }],
    });
    expect([...kindsOf(asked)]).toEqual(['process']);
  });
});
