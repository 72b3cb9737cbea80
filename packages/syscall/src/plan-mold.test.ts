import { expect, test } from 'vitest';
import type { Plan } from './plan.js';
import { bytes, cstring, lengthOf, PlanBuilder, pointers } from './plan-builder.js';
import { encodeRun } from './plan-codec.js';
import { PlanMold } from './plan-mold.js';

const NAME = 'stand-in-for-a-name-of-at-most-fifty-characters-xxx';
const NUMBER = 0x1_eed0_0dfe_ed5;
const why = { id: 'test', en: 'test', zh: '测试' };

function planWith(name: string, fd: number): Plan {
  const builder = new PlanBuilder('plan');
  const call = (syscall: string, args: Parameters<typeof builder.call>[1]['args']) =>
    builder.call('outside', { syscall, args, purpose: why });
  call('mkdirat', [-100, `/groups/${name}`, 0o755]);
  call('openat', [-100, `/groups/${name}/tasks`, 1]);
  call('execve', ['/bin/true', pointers([cstring(`--name=${name}`)]), 0]);
  call('close', [fd]);
  call('write', [1, bytes('plain'), lengthOf(bytes('plain'))]);
  return builder.build();
}

/** Every NUL-terminated string of a message, without the room behind it. */
function strings(message: Uint8Array): string[] {
  return (
    new TextDecoder('latin1')
      .decode(message)
      .match(/[\x20-\x7e]{4,}/g)
      ?.map((text) => text.trim()) ?? []
  );
}

test('a cast run says what a plan made for that name would say', () => {
  const mold = PlanMold.of(planWith(NAME, NUMBER), { name: NAME, number: NUMBER });
  for (const name of ['a', 'web-1', 'x'.repeat(NAME.length)]) {
    const message = mold?.cast(name, 7) ?? new Uint8Array();
    expect(strings(message)).toEqual(strings(encodeRun(planWith(name, 7), 0)));
    expect(message.length).toBe(encodeRun(planWith(NAME, NUMBER), 0).length);
  }
});

test('the number stands where the stand-in stood, and nowhere else', () => {
  const mold = PlanMold.of(planWith(NAME, NUMBER), { name: NAME, number: NUMBER });
  const longest = 'x'.repeat(NAME.length);
  expect(mold?.cast(longest, 7)).toEqual(encodeRun(planWith(longest, 7), 0));
});

test('casts do not touch each other', () => {
  const mold = PlanMold.of(planWith(NAME, NUMBER), { name: NAME, number: NUMBER });
  const first = mold?.cast('first', 1);
  const kept = Uint8Array.from(first ?? []);
  mold?.cast('second', 2);
  expect(first).toEqual(kept);
});

test('a name that is too long cannot be cast', () => {
  const mold = PlanMold.of(planWith(NAME, NUMBER), { name: NAME, number: NUMBER });
  expect(mold?.cast(`${NAME}x`, 7)).toBeNull();
});

test('a plan that writes the name, or asks its length, makes no mold', () => {
  const builder = new PlanBuilder('plan');
  const content = bytes(`${NAME}\n`);
  builder.call('outside', {
    syscall: 'write',
    args: [1, content, lengthOf(content)],
    purpose: why,
  });
  expect(PlanMold.of(builder.build(), { name: NAME, number: NUMBER })).toBeNull();
});
