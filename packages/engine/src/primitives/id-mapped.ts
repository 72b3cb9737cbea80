/**
 * A user namespace that nobody lives in, for an id-mapped mount: a process is born in it, its maps
 * are written, it opens its own namespace's file, and ends. It shares its fd table with us: nobody
 * else may open that file, as long as it runs the player.
 */
import { flagged, O, type Slot } from '@terrarium/syscall';
import { type IdMaps, writeIdMapsOf } from '../plan/namespace-calls.js';
import { purpose } from '../plan/script.js';
import type { Room } from './room.js';
import { bear, openPipe, receiveByte, receiveInt, sendByte, sendInt } from './scribe.js';

const why = purpose(
  'idmap-namespace',
  'a user namespace only for its maps: the mount will show owners through it',
  '一个仅用于映射的用户命名空间：挂载将透过它显示所有者',
);

/** First phase only. @returns the register with the namespace's fd */
export function openUserNamespace(room: Room, maps: IdMaps): Slot {
  const scribe = room.script;
  const proc = room.proc();
  const opened = openPipe(scribe, 'opened');
  const done = openPipe(scribe, 'done');
  const { script: mapped, pid } = bear(room, 'mapped', ['user'], { shareFiles: true });
  const file = mapped.builder.slot('mapped namespace');
  const openFlags = flagged(O, 'O_RDONLY', 'O_CLOEXEC');
  mapped.call('openat', [proc, 'self/ns/user', openFlags], why, { store: file });
  sendInt(mapped, opened, file);
  receiveByte(mapped, done);
  const userNs = receiveInt(scribe, opened, 'userNs', { close: false });
  writeIdMapsOf(scribe, proc, pid, maps);
  sendByte(scribe, done);
  return userNs;
}
