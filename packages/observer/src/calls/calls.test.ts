/** The tape without a kernel: instructions as bytes, records as words. */
import { hostArchitecture, SYSCALL_NUMBERS } from '@terrarium/syscall';
import { describe, expect, it } from 'vitest';
import { Assembler } from './assembler.js';
import { decodeCall } from './decode.js';
import { AT, type CallRecord, RECORD_BYTES, readRecord, SLOT_BYTES } from './record.js';
import { kernelEntry, slotsOf, TAPED_CALLS } from './table.js';

function recordOf(
  name: string,
  args: readonly (number | bigint)[],
  fields: Partial<CallRecord> = {},
): CallRecord {
  return {
    ...{ began: 0n, ended: 0n, result: 0n, tid: 1, tgid: 1, sandbox: 1, returns: true },
    number: SYSCALL_NUMBERS[hostArchitecture()][name] ?? -1,
    args: Array.from({ length: 6 }, (_, index) => BigInt(args[index] ?? 0)),
    slots: [null, null, null, null, null],
    ...fields,
  };
}

function texts(...slots: readonly (string | null)[]): Pick<CallRecord, 'slots'> {
  return { slots: slots.map((text) => (text === null ? null : Buffer.from(`${text}\0`))) };
}

function spelled(record: CallRecord): string {
  const call = decodeCall(record);
  return call === null
    ? '?'
    : `${call.name}(${call.args.join(', ')}) = ${call.errno ?? call.result}`;
}

describe('Assembler', () => {
  it('writes 8 bytes an instruction and resolves jumps in both directions', () => {
    const code = new Assembler()
      .number('mov', 0, -1)
      .jumpIf(0, 'ne', 0, 'out')
      .load(8, 3, 10, -16)
      .label('out')
      .exit()
      .assemble();
    expect(Buffer.from(code).toString('hex')).toBe(
      ['b7000000ffffffff', '5500010000000000', '79a3f0ff00000000', '9500000000000000'].join(''),
    );
    expect(() => new Assembler().jump('nowhere').assemble()).toThrow('no label nowhere');
  });

  it('loads a map by its fd in two instructions', () => {
    const code = new Assembler().map(1, 5).assemble();
    expect(Buffer.from(code).toString('hex')).toBe('18110000050000000000000000000000');
  });
});

describe('decodeCall', () => {
  it('spells flags, texts and errors', () => {
    const flags = 0x20000 | 0x20000000;
    expect(spelled(recordOf('unshare', [flags], { result: -1n }))).toBe(
      'unshare(CLONE_NEWNS|CLONE_NEWPID) = EPERM',
    );
    const mount = recordOf('mount', [16, 32, 0, 0x1000 | 0x4000, 0], texts('/a "b"', '/c', null));
    expect(spelled(mount)).toBe('mount("/a \\"b\\"", "/c", NULL, MS_BIND|MS_REC, NULL) = 0');
  });

  it('shows the address of what could not be read, never another text', () => {
    expect(spelled(recordOf('chroot', [0x7f00], texts(null)))).toBe('chroot(0x7f00) = 0');
    const exec = recordOf('execve', [1, 2, 3], texts('/bin/sh', 'sh', null, 'SECRET=1', null));
    expect(spelled(exec)).toBe('execve("/bin/sh", ["sh"], 0x3) = 0');
  });

  it('says that a text or a list was cut', () => {
    const long = recordOf('chdir', [1], texts('x'.repeat(SLOT_BYTES - 1)));
    expect(spelled(long)).toBe(`chdir("${'x'.repeat(SLOT_BYTES - 1)}"...) = 0`);
    const exec = recordOf('execve', [1, 2, 0], texts('/bin/a', 'a', 'b', 'c', 'd'));
    expect(spelled(exec)).toBe('execve("/bin/a", ["a", "b", "c", "d", ...], NULL) = 0');
  });

  it('knows a name that has a length instead of an end', () => {
    const name = recordOf('sethostname', [1, 3], texts('jarrest of the memory'));
    expect(spelled(name)).toBe('sethostname("jar", 3) = 0');
  });

  it('takes the structure of clone3 apart, as far as the caller says that it goes', () => {
    const words = new BigUint64Array(11);
    words[0] = 0x2_2000_0000n;
    words[4] = 17n;
    words[10] = 9n;
    const slots = [new Uint8Array(words.buffer), null, null, null, null];
    expect(spelled(recordOf('clone3', [1, 88], { slots }))).toBe(
      'clone3({flags=CLONE_NEWPID|CLONE_INTO_CGROUP, exit_signal=SIGCHLD, cgroup=9}, 88) = 0',
    );
    expect(spelled(recordOf('clone3', [1, 64], { slots }))).toContain('cgroup=0');
  });

  it('has no result for a call that never returns, and nothing for one that is not taped', () => {
    expect(decodeCall(recordOf('exit_group', [7], { returns: false }))).toEqual({
      ...{ name: 'exit_group', args: ['7'], result: null, errno: null },
    });
    expect(decodeCall(recordOf('getpid', []))).toBeNull();
  });

  it('spells every call of the table, whatever its numbers are', () => {
    for (const { name } of TAPED_CALLS) {
      for (const value of [0n, 1n, 0xffff_ffff_ffff_ffffn]) {
        const call = decodeCall(
          recordOf(
            name,
            Array.from({ length: 6 }, () => value),
          ),
        );
        // arm64 lacks the older ones
        if (call === null) expect(SYSCALL_NUMBERS[hostArchitecture()][name]).toBeUndefined();
        else
          expect(call.args.every((text) => text !== '' && !text.includes('undefined'))).toBe(true);
      }
    }
  });
});

describe('records', () => {
  it('are read as the programs write them, and only as far as a text goes', () => {
    const bytes = new Uint8Array(RECORD_BYTES).fill(0x78);
    const view = new DataView(bytes.buffer);
    view.setBigInt64(AT.result, -2n, true);
    view.setUint32(AT.sandbox, 7, true);
    view.setUint32(AT.flags, 1, true);
    view.setInt32(AT.lengths, 3, true);
    view.setInt32(AT.lengths + 4, -14, true); // EFAULT
    const record = readRecord(bytes);
    expect(record).toMatchObject({ result: -2n, sandbox: 7, returns: true });
    expect(Buffer.from(record.slots[0] ?? []).toString()).toBe('xxx');
    expect(record.slots[1]).toBeNull();
  });

  it('have a slot for each text of a call, as the kernel is told', () => {
    const mount = TAPED_CALLS.find(({ name }) => name === 'mount');
    expect(mount && slotsOf(mount).map(({ argument }) => argument)).toEqual([0, 1, 2, 4]);
    expect(mount && [...kernelEntry(mount).slice(0, 9)]).toEqual([8, 9, 10, 12, 0, 0, 0, 0, 1]);
  });
});
