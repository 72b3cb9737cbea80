/** Small questions to `linux.namespaces`, by the names that the config has. Pure. */
import type { LinuxNamespace } from '@terrarium/spec';
import { NAMESPACE_KINDS } from '@terrarium/syscall';

/** Of the container's own, or shared by path. */
export function has(namespaces: readonly LinuxNamespace[], type: string): boolean {
  return namespaces.some((one) => one.type === type);
}

/** To be made. */
export function isNew(namespaces: readonly LinuxNamespace[], type: string): boolean {
  return namespaces.some((one) => one.type === type && one.path === undefined);
}

/** @throws Error on a type that no kernel has */
export function kindOf(type: string): (typeof NAMESPACE_KINDS)[number] {
  const kind = NAMESPACE_KINDS.find(({ oci }) => oci === type);
  if (kind === undefined) throw new Error(`unknown namespace type ${type}`);
  return kind;
}
