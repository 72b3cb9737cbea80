import { expect, test } from 'vitest';
import { FAN, parseFileEvents } from './fanotify.js';

/** An info record: header, fsid, struct file_handle, name. */
function info(type: number, handle: number[], name = ''): number[] {
  const text = name === '' ? [] : [...Buffer.from(name), 0];
  const body = [
    ...[1, 2, 3, 4, 5, 6, 7, 8],
    ...[handle.length, 0, 0, 0, 1, 0, 0, 0],
    ...handle,
    ...text,
  ];
  while (body.length % 4 !== 0) body.push(0);
  return [type, 0, body.length + 4, 0, ...body];
}

/** struct fanotify_event_metadata with its records. */
function event(mask: number, pid: number, ...records: number[][]): Uint8Array {
  const body = records.flat();
  const memory = new Uint8Array(24 + body.length);
  const view = new DataView(memory.buffer);
  view.setUint32(0, memory.length, true);
  view.setUint8(4, 3);
  view.setUint16(6, 24, true);
  view.setUint32(8, mask, true);
  view.setInt32(16, -1, true);
  view.setInt32(20, pid, true);
  memory.set(body, 24);
  return memory;
}

test('a new name in a directory: who, where, what', () => {
  const chunk = event(FAN.FAN_CREATE, 42, info(2, [1, 2], 'motd'), info(1, [9]));
  expect(parseFileEvents(chunk)).toMatchObject([
    {
      mask: FAN.FAN_CREATE,
      pid: 42,
      fileSystem: '0102030405060708',
      at: { directory: { key: '1:0102' }, name: 'motd' },
      from: null,
      file: { key: '1:09' },
    },
  ]);
});

test('a rename has both places; a directory itself is named by a dot', () => {
  const rename = event(FAN.FAN_RENAME, 7, info(10, [1], '#8'), info(12, [2], 'gone'));
  const self = event(FAN.FAN_ATTRIB | FAN.FAN_ONDIR, 7, info(3, [5]));
  const chunk = new Uint8Array([...rename, ...self]);
  const [first, second] = parseFileEvents(chunk);
  expect(first).toMatchObject({
    from: { directory: { key: '1:01' }, name: '#8' },
    at: { directory: { key: '1:02' }, name: 'gone' },
  });
  expect(second?.at).toMatchObject({ directory: { key: '1:05' }, name: '.' });
});

test('an overflow is about no file, and half an event is none', () => {
  const overflow = event(FAN.FAN_Q_OVERFLOW, 0);
  expect(parseFileEvents(overflow)).toMatchObject([{ at: null, fileSystem: '' }]);
  expect(parseFileEvents(overflow.subarray(0, 20))).toEqual([]);
});
