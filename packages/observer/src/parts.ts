/** Which parts a watched sandbox has. */

import { CallsPart } from './calls/calls-part.js';
import { CgroupsPart } from './cgroups/cgroups-part.js';
import { NetworkPart } from './network/network-part.js';
import { OverlaysPart } from './overlays/overlays-part.js';
import type { WatchedSandbox, WatchPart } from './part.js';
import { UsagePart } from './processes/usage-part.js';

export function partsOf(sandbox: WatchedSandbox): readonly WatchPart[] {
  return [
    new UsagePart(sandbox),
    new CgroupsPart(sandbox),
    new CallsPart(sandbox),
    new OverlaysPart(sandbox),
    new NetworkPart(sandbox),
  ];
}
