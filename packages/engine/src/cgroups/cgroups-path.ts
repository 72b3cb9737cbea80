/**
 * `linux.cgroupsPath` → the group's path below each hierarchy's mount point. Pure.
 *
 * The driver is cgroupfs: the engine makes directories itself. systemd's driver would ask systemd
 * for a scope over D-Bus and takes `slice:prefix:name`; it is not supported, and says so.
 */

/**
 * Reads a cgroupsPath as the standard has it: absolute below the mount points, relative below
 * `parent`; without one, the container's id below `parent`.
 *
 * @param parent where the runtime keeps its groups: `/terrarium`
 * @throws Error for the form of the systemd driver, and for a path that leaves its parent
 */
export function containerGroup(
  cgroupsPath: string | undefined,
  { parent, id }: { readonly parent: string; readonly id: string },
): string {
  if (cgroupsPath === undefined || cgroupsPath === '') return joinGroups(parent, id);
  const quoted = JSON.stringify(cgroupsPath);
  if (!cgroupsPath.startsWith('/') && /^[^:/]*:[^:/]*:[^:/]+$/.test(cgroupsPath)) {
    throw new Error(
      `linux.cgroupsPath ${quoted} is for the systemd driver (slice:prefix:name), which is not supported: give a path, such as "/terrarium/${id}"`,
    );
  }
  const parts = cgroupsPath.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new Error(`linux.cgroupsPath ${quoted} must not contain ".."`);
  if (parts.length === 0) {
    throw new Error(`linux.cgroupsPath ${quoted} is the root, which cannot be limited`);
  }
  if (/[\n\0]/.test(cgroupsPath)) throw new Error(`linux.cgroupsPath ${quoted} has a line break`);
  const path = parts.join('/');
  return cgroupsPath.startsWith('/') ? `/${path}` : joinGroups(parent, path);
}

function joinGroups(parent: string, child: string): string {
  return `${parent === '/' ? '' : parent}/${child}`;
}
