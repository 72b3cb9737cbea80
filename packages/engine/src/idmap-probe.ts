/**
 * Asks the kernel whether the file system of a directory knows id-mapped mounts, by making one:
 * support depends on file system and version (ext4 since 5.12, overlay's lower layers since 5.19,
 * tmpfs since 6.3), and no table stays right for long.
 *
 *   outside  host root; maps the child's ids, tries to id-map a detached clone of the directory
 *   child    in a new user namespace; waits until outside is done
 */
import {
  AT,
  CLONE,
  CLONE_ARGS_BYTES,
  ERRNO,
  flagged,
  MOUNT_ATTR,
  O,
  OPEN_TREE,
  type Plan,
  PlanBuilder,
  type Player,
  path,
  SIGNALS,
  scratch,
  struct,
} from '@terrarium/syscall';
import { FDCWD, purpose, Script } from './plan/script.js';

const why = purpose(
  'probe-idmap',
  'find out whether this file system can be id-mapped',
  '检查该文件系统是否支持 ID 映射挂载',
);

/** Makes the plan; the last mount_setattr's errno is the answer. */
export function idmapProbePlan(directory: string): Plan {
  const builder = new PlanBuilder(`probe id-mapped mounts of ${directory}`);
  const outside = new Script(builder, 'outside', builder.slot('fd'));
  const child = new Script(builder, 'child', builder.slot('childFd'));
  const [readEnd, writeEnd] = [builder.slot('readEnd'), builder.slot('writeEnd')];
  const [childPid, tree, userNs] = [
    builder.slot('child'),
    builder.slot('tree'),
    builder.slot('userNs'),
  ];
  const ends = scratch(8);
  outside.call('pipe2', [ends, flagged(O, 'O_CLOEXEC')], why, {
    loads: [
      { from: ends, offset: 0, width: 4, to: readEnd },
      { from: ends, offset: 4, width: 4, to: writeEnd },
    ],
  });
  const args = struct(
    [
      [CLONE.CLONE_NEWUSER, 8],
      [0, 8],
      [0, 8],
      [0, 8],
      [SIGNALS.SIGCHLD, 8],
    ],
    CLONE_ARGS_BYTES,
  );
  outside.call('clone3', [args, CLONE_ARGS_BYTES], why, { child: 'child', store: childPid });
  outside.writeFile(path`/proc/${childPid}/uid_map`, '0 1 65536', why);
  outside.writeFile(path`/proc/${childPid}/gid_map`, '0 1 65536', why);
  const openTree = flagged(OPEN_TREE, 'OPEN_TREE_CLONE', 'OPEN_TREE_CLOEXEC');
  outside.call('open_tree', [FDCWD, directory, openTree], why, { store: tree });
  outside.call(
    'openat',
    [FDCWD, path`/proc/${childPid}/ns/user`, flagged(O, 'O_RDONLY', 'O_CLOEXEC')],
    why,
    { store: userNs },
  );
  const attributes = struct([
    [MOUNT_ATTR.MOUNT_ATTR_IDMAP, 8],
    [0, 8],
    [0, 8],
    [userNs, 8],
  ]);
  outside.call('mount_setattr', [tree, '', flagged(AT, 'AT_EMPTY_PATH'), attributes, 32], why, {
    tolerate: [ERRNO.EINVAL, ERRNO.ENOSYS, ERRNO.EOPNOTSUPP, ERRNO.EPERM],
  });
  // Outside ends here, and with it the only other write end: the child's read returns.
  child.call('close', [writeEnd], why);
  child.call('read', [readEnd, scratch(1), 1], why);
  return builder.build();
}

/** Runs the probe. @throws PlanError when even the preparations are refused */
export async function supportsIdmap(player: Player, directory: string): Promise<boolean> {
  const plan = idmapProbePlan(directory);
  const { reports } = await player.run(plan).done;
  const index = (plan.processes['outside'] ?? []).length - 1;
  const answer = reports.find((report) => report.process === 'outside' && report.index === index);
  return answer?.errno === 0;
}
