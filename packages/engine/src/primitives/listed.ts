/** Reads the answers of the `namespace-list` primitive out of a run's reports. */
import { type CallReport, NAMESPACE_KINDS, type Plan } from '@terrarium/syscall';
import type { NamespaceKind } from '../plan/namespace-calls.js';

/** Inodes by kind, as `mnt:[4026531841]` shows them; a kernel may lack a kind. */
export function listedNamespaces(
  plan: Plan,
  reports: readonly CallReport[],
): Partial<Record<NamespaceKind, number>> {
  const found: Partial<Record<NamespaceKind, number>> = {};
  for (const report of reports) {
    const step = plan.processes[report.process]?.[report.index];
    if (step?.purpose.id !== 'namespace-list' || report.errno !== 0) continue;
    const link = new TextDecoder().decode(report.bytes?.subarray(0, Number(report.result)));
    const match = /^([a-z]+):\[(\d+)\]$/.exec(link);
    const kind = NAMESPACE_KINDS.find(({ proc }) => proc === match?.[1])?.proc;
    if (kind !== undefined) found[kind] = Number(match?.[2]);
  }
  return found;
}
