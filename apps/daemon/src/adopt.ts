/**
 * After a crash: what to keep of what was found. Three parties may disagree about which sandboxes
 * exist: the kernel (through the engine), the terminal host, and the database. A sandbox that
 * lives and has an owner is kept with its shells; everything else is removed or forgotten.
 */
import type { HostedSandbox, SandboxInfo } from './ports.js';

export interface Found {
  /** alive in the kernel */
  readonly alive: readonly SandboxInfo[];
  readonly hosted: readonly HostedSandbox[];
  /** owner by sandbox id, from the database */
  readonly owners: ReadonlyMap<string, string>;
}

export interface Decision {
  readonly keep: readonly {
    readonly session: string;
    readonly info: SandboxInfo;
    /** null: the host knows nothing of it (it was restarted): register again */
    readonly hosted: HostedSandbox | null;
  }[];
  /** to be removed from the kernel */
  readonly remove: readonly string[];
  /** the terminal host shall let go of them */
  readonly forget: readonly string[];
  /** sessions whose sandbox is gone */
  readonly lost: readonly string[];
}

/** Decides; changes nothing. */
export function decideAdoption({ alive, hosted, owners }: Found): Decision {
  const hostedById = new Map(hosted.map((one) => [one.sandbox, one]));
  const keep: Decision['keep'][number][] = [];
  const remove: string[] = [];
  for (const info of alive) {
    const session = owners.get(info.id);
    if (session === undefined) remove.push(info.id);
    else keep.push({ session, info, hosted: hostedById.get(info.id) ?? null });
  }
  const kept = new Set(keep.map(({ info }) => info.id));
  return {
    keep,
    remove,
    forget: hosted.map(({ sandbox }) => sandbox).filter((id) => !kept.has(id)),
    lost: [...owners].filter(([sandbox]) => !kept.has(sandbox)).map(([, session]) => session),
  };
}
