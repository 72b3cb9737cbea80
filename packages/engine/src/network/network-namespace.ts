/**
 * Which network namespace a plan works in, and how its process gets there. setns(2) needs
 * CAP_SYS_ADMIN over the namespace and in one's own user namespace: host root has both for every
 * namespace, a sandbox's root for those that the sandbox made.
 */
import { CLONE, flagged, O, type Slot } from '@terrarium/syscall';
import { FDCWD, purpose, type Script } from '../plan/script.js';

/**
 * - `own`: where the process already is
 * - `pid`: that of a process
 * - `path`: a file of a namespace: /run/netns/NAME, /proc/PID/fd/N for an open one
 */
export type NetworkNamespace =
  | { readonly kind: 'own' }
  | { readonly kind: 'pid'; readonly pid: number }
  | { readonly kind: 'path'; readonly path: string };

/** Says which one, for names of plans and for errors. */
export function describeNetworkNamespace(netns: NetworkNamespace): string {
  if (netns.kind === 'own') return 'its own network namespace';
  return netns.kind === 'pid'
    ? `the network namespace of process ${netns.pid}`
    : `the network namespace ${netns.path}`;
}

/** Enters a namespace for good: for plans that do one thing and end. */
export function enterNetworkNamespace(script: Script, netns: NetworkNamespace): void {
  if (netns.kind === 'own') return;
  const file = netns.kind === 'pid' ? `/proc/${netns.pid}/ns/net` : netns.path;
  const fd = openNetworkNamespace(script, file, 'netns');
  joinNetworkNamespace(script, fd);
  script.call('close', [fd], purpose('close-netns', 'no longer needed', '不再需要'));
}

/**
 * Does something in another network namespace and comes back. `target` is a pidfd, for which setns
 * also asks for ptrace access to the process (it must be dumpable, or the caller have
 * CAP_SYS_PTRACE), or the fd of a network namespace.
 */
export function inNetworkNamespace(script: Script, target: Slot, body: () => void): void {
  const home = openNetworkNamespace(script, '/proc/self/ns/net', 'homeNetns');
  joinNetworkNamespace(script, target);
  body();
  script.call(
    'setns',
    [home, flagged(CLONE, 'CLONE_NEWNET')],
    purpose('leave-netns', 'back to the own network namespace', '回到自己的网络命名空间'),
  );
  script.call('close', [home], purpose('close-netns', 'no longer needed', '不再需要'));
}

function joinNetworkNamespace(script: Script, target: Slot): void {
  script.call(
    'setns',
    [target, flagged(CLONE, 'CLONE_NEWNET')],
    purpose(
      'enter-netns',
      'step into that network namespace: from here its links are ours',
      '进入那个网络命名空间：从这里起，看到的是它的网卡',
    ),
  );
}

/** Opens the file of a namespace. @returns the register with its fd */
export function openNetworkNamespace(script: Script, file: string, name: string): Slot {
  const fd = script.builder.slot(name);
  script.call(
    'openat',
    [FDCWD, file, flagged(O, 'O_RDONLY', 'O_CLOEXEC')],
    purpose('open-netns', 'hold a network namespace by an fd', '用文件描述符持有一个网络命名空间'),
    { store: fd },
  );
  return fd;
}
