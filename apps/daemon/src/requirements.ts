/** What lessons and steps ask of this machine, and what of it is missing, each with its sentence. */
import type { Finding } from '@terrarium/engine';
import { type Machine, machineLacks } from '@terrarium/lesson/load';
import type { LocalText } from '@terrarium/protocol';

/** A `requires` entry with its verdict. */
export interface Requirement {
  readonly feature: string;
  readonly met: boolean;
  /** what is missing, when it is */
  readonly message?: LocalText;
}

/**
 * Answers for one machine. What nobody has looked for is taken as met: the lesson's own checks
 * would tell.
 */
export function requirementsOf(
  findings: readonly Finding[],
  machine?: Machine,
): (feature: string) => Requirement {
  const byId = new Map(findings.map((finding) => [finding.id, finding]));
  return (feature) => {
    const finding = byId.get(feature);
    const message =
      finding !== undefined && finding.level !== 'ok'
        ? finding.found
        : machineLacks(feature, machine);
    return message === null ? { feature, met: true } : { feature, met: false, message };
  };
}
