/**
 * OverlayFS: layers that are merged, and the two marks with which an upper layer hides what is
 * below it. Who runs them: a process with CAP_SYS_ADMIN over its mount namespace; in a user
 * namespace other than the first with `userxattr`, as trusted.* attributes are the host's.
 * @see Documentation/filesystems/overlayfs.rst
 */
import { ERRNO, flagged, O, type Purpose, bytes as raw, S } from '@terrarium/syscall';
import { FDCWD, purpose, type Script } from './script.js';

/** Layers of one overlay mount. */
export interface OverlayLayers {
  /** top one first, as `lowerdir` has them */
  readonly lower: readonly string[];
  /** both or none: without them the mount is read-only */
  readonly upper?: string;
  readonly work?: string;
  /** marks in user.overlay.* instead of trusted.overlay.* */
  readonly userxattr?: boolean;
  readonly options?: readonly string[];
}

/** mount(2) takes a page of options, its NUL included. */
const OPTION_BYTES = 4096;

/**
 * Mounts an overlay.
 *
 * @throws Error when the options do not fit: use shorter paths, or ones relative to a directory
 */
export function mountOverlay(
  script: Script,
  target: string,
  { lower, upper, work, userxattr = false, options = [] }: OverlayLayers,
): void {
  if ((upper === undefined) !== (work === undefined))
    throw new Error('overlay: upper and work belong together');
  const all = [
    ...options,
    ...(userxattr ? ['userxattr'] : []),
    `lowerdir=${lower.map(escapeLayer).join(':')}`,
    ...(upper === undefined ? [] : [`upperdir=${escapeOption(upper)}`]),
    ...(work === undefined ? [] : [`workdir=${escapeOption(work)}`]),
  ];
  if (new TextEncoder().encode(all.join(',')).length >= OPTION_BYTES)
    throw new Error(`overlay on ${target}: more than ${OPTION_BYTES} bytes of options`);
  script.mount(
    'overlay',
    target,
    'overlay',
    all,
    purpose(
      'overlay',
      'merge the layers: reads find the topmost file, writes go to the upper layer only',
      '合并各层：读取最上层的文件，写入只进入上层',
    ),
  );
}

/** In `lowerdir`, `:` separates layers. */
function escapeLayer(layer: string): string {
  return escapeOption(layer).replaceAll(':', '\\:');
}

function escapeOption(layer: string): string {
  return layer.replaceAll('\\', '\\\\').replaceAll(',', '\\,');
}

/**
 * Makes a whiteout in an upper layer: a character device 0:0, which hides the name below. It gives
 * access to nothing, so no capability is needed for it.
 */
export function makeWhiteout(script: Script, file: string): void {
  const mode = { value: BigInt(S.S_IFCHR), display: 'S_IFCHR' };
  const device = { value: 0n, display: 'makedev(0, 0)' };
  script.call(
    'mknodat',
    [FDCWD, file, mode, device],
    purpose(
      'whiteout',
      'a whiteout: the upper layer says that this name is gone',
      '一个 whiteout：上层声明这个名字已被删除',
    ),
  );
}

/** Marks a directory of an upper layer as opaque: nothing of the same directory below shows. */
export function makeOpaque(script: Script, directory: string, userxattr: boolean): void {
  const why: Purpose = purpose(
    'opaque-directory',
    'an opaque directory: what the layers below have in it is hidden at once',
    '一个不透明目录：下层在其中的内容一并隐藏',
  );
  script.mkdir(directory, 0o755, why, { tolerate: [ERRNO.EEXIST] });
  const name = `${userxattr ? 'user' : 'trusted'}.overlay.opaque`;
  script.call('setxattr', [directory, name, raw('y'), 1, 0], why);
}

/** Opens a directory and stands in it, so that layers may be named by short relative paths. */
export function standIn(script: Script, directory: string, why: Purpose): void {
  const at = script.builder.slot(`${script.process} layers`);
  script.call('openat', [FDCWD, directory, flagged(O, 'O_PATH', 'O_DIRECTORY', 'O_CLOEXEC')], why, {
    store: at,
  });
  script.call('fchdir', [at], why);
  script.call('close', [at], why);
}
