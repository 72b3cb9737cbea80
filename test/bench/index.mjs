/** Every benchmark: which names it measures, and how. `run` gets the wanted ones of its names. */
import { CONTAINER_BENCHES } from './container/index.mjs';
import { FRAME_BENCHES } from './frames.mjs';
import { OBSERVER_BENCHES } from './observer.mjs';
import { PAGE_BENCHES } from './page.mjs';
import { SANDBOX_BENCHES } from './sandbox.mjs';
import { SEEK_BENCHES } from './seek.mjs';
import { keyEcho, keyEchoBusy, terminalInterrupt, terminalThroughput } from './terminal/index.mjs';

const one = (name, measure) => ({ names: [name], run: async () => [await measure()] });

export const BENCHES = [
  ...SANDBOX_BENCHES,
  ...OBSERVER_BENCHES,
  ...CONTAINER_BENCHES,
  one('key-echo', keyEcho),
  one('key-echo-busy', keyEchoBusy),
  one('terminal-throughput', terminalThroughput),
  one('terminal-interrupt', terminalInterrupt),
  ...PAGE_BENCHES,
  ...FRAME_BENCHES,
  ...SEEK_BENCHES,
];
