/**
 * The address of a moment: `#STEP&t=EPOCH.SEQ`. The step is the page's own (a link to a step alone
 * is `#STEP`); a number means something within its epoch only.
 */

export interface MomentAddress {
  readonly epoch: string;
  readonly seq: number;
}

/** What the part of an address after `#` says; both may be missing. */
export function parseHash(hash: string): {
  readonly step: string | null;
  readonly moment: MomentAddress | null;
} {
  let step: string | null = null;
  let moment: MomentAddress | null = null;
  for (const part of hash.replace(/^#/, '').split('&')) {
    const found = /^t=([A-Za-z0-9-]{1,64})\.(\d{1,15})$/.exec(part);
    if (found !== null) moment = { epoch: found[1] ?? '', seq: Number(found[2]) };
    else if (part !== '' && !part.includes('=')) step = decoded(part);
  }
  return { step, moment };
}

/** The reverse, without the `#`. */
export function formatHash(step: string | null, moment: MomentAddress | null): string {
  const parts = [
    step === null ? '' : encodeURIComponent(step),
    moment === null ? '' : `t=${moment.epoch}.${moment.seq}`,
  ];
  return parts.filter((part) => part !== '').join('&');
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // not ours
  }
}
