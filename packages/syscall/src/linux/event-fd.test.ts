/** Both ways to hear of an eventfd, on counters of our own. */
import { writeSync } from 'node:fs';
import { expect, test } from 'vitest';
import { eventfd, watchEventfd, watchWithTimer } from './event-fd.js';

function add(fd: number, count: bigint): void {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(count);
  writeSync(fd, bytes);
}

for (const [name, watch] of [
  ['libuv', watchEventfd],
  ['timer', watchWithTimer],
] as const) {
  test(`${name}: hears of each growth, once`, async () => {
    const fd = eventfd();
    const counts: bigint[] = [];
    let heard = () => {};
    const stop = watch(fd, (count) => {
      counts.push(count);
      heard();
    });
    for (const count of [1n, 5n]) {
      const next = new Promise<void>((resolve) => {
        heard = resolve;
      });
      add(fd, count);
      await next;
    }
    stop();
    expect(counts).toEqual([1n, 5n]);
  });
}
