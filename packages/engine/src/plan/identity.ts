/**
 * Who the new process is and what it starts with in its namespaces: id maps, host name, loopback.
 * Who runs them: the maps `outside` (only a parent with CAP_SETUID may map more than one id), the
 * rest the process in the new namespaces.
 */
import type { LinuxIdMapping } from '@terrarium/spec';
import { bytes, path, type Slot, shown, struct } from '@terrarium/syscall';
import {
  AF_INET,
  IFF_UP,
  IFNAMSIZ,
  IFREQ_BYTES,
  SIOCSIFFLAGS,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
} from '../kernel-constants.js';
import { purpose, type Script } from './script.js';

/** Writes uid_map and gid_map of the process in `child`. */
export function writeIdMaps(
  script: Script,
  child: Slot,
  uids: readonly LinuxIdMapping[],
  gids: readonly LinuxIdMapping[],
): void {
  const why = purpose(
    'id-map',
    'root inside is an ordinary id outside: map the ids of the new user namespace',
    '里面的 root 在外面只是普通 ID：为新的用户命名空间映射 ID',
  );
  const rows = (mappings: readonly LinuxIdMapping[]) =>
    mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join('');
  script.writeFile(path`/proc/${child}/uid_map`, rows(uids), why);
  script.writeFile(path`/proc/${child}/gid_map`, rows(gids), why);
}

/** sethostname(2) */
export function setHostname(script: Script, hostname: string): void {
  const name = bytes(hostname);
  script.call(
    'sethostname',
    [name, new TextEncoder().encode(hostname).length],
    purpose(
      'hostname',
      'its own host name: the UTS namespace keeps the host’s as it is',
      '自己的主机名：UTS 命名空间使宿主机的名字不变',
    ),
  );
}

/** setdomainname(2): the NIS name, which nobody but uname(2) shows */
export function setDomainname(script: Script, domainname: string): void {
  script.call(
    'setdomainname',
    [bytes(domainname), new TextEncoder().encode(domainname).length],
    purpose('domainname', 'its own NIS domain name', '自己的 NIS 域名'),
  );
}

/** A new network namespace has only lo, and it is down. */
export function raiseLoopback(script: Script): void {
  const why = purpose(
    'loopback',
    'bring up lo: a new network namespace has only that, and it is down',
    '启用 lo：新的网络命名空间里只有它，而且是关闭的',
  );
  const socket = script.builder.slot('socket');
  script.call(
    'socket',
    [shown(AF_INET, 'AF_INET'), shown(SOCK_DGRAM | SOCK_CLOEXEC, 'SOCK_DGRAM|SOCK_CLOEXEC'), 0],
    why,
    { store: socket },
  );
  const name = new Uint8Array(IFNAMSIZ);
  name.set(new TextEncoder().encode('lo'));
  script.call(
    'ioctl',
    [socket, shown(SIOCSIFFLAGS, 'SIOCSIFFLAGS'), struct([name, [IFF_UP, 2]], IFREQ_BYTES)],
    why,
    { display: 'ioctl(<socket>, SIOCSIFFLAGS, {ifr_name="lo", ifr_flags=IFF_UP})' },
  );
  script.call('close', [socket], why);
}
