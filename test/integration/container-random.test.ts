/**
 * 10,000 random operations on six containers, by a process that is killed with SIGKILL again and
 * again: nothing may leak, every state must be readable, every call must be answered. Needs root;
 * TERRARIUM_SEED repeats a run, TERRARIUM_OPERATIONS makes it longer or shorter.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomFrom } from './container-lab/random.mjs';
import { type ContainerLab, holdings, missing, startContainerLab } from './container-lab.js';

const reason = missing();
const OPERATIONS = Number(process.env['TERRARIUM_OPERATIONS'] ?? 10_000);
const SEED = Number(process.env['TERRARIUM_SEED'] ?? Date.now() % 2 ** 31);
const DRIVER = join(import.meta.dirname, 'container-lab/driver.mjs');
/** of the whole test: far above what a quiet machine takes, for busy ones */
const TIMEOUT_MS = 900_000;

describe.skipIf(reason !== null)(
  `random operations${reason === null ? '' : ` (missing: ${reason})`}`,
  () => {
    let lab: ContainerLab;
    beforeAll(async () => {
      lab = await startContainerLab('random', true);
    });
    afterAll(async () => {
      await lab?.close();
    });

    test(
      `${OPERATIONS} operations, the driver killed again and again: nothing leaks (seed ${SEED})`,
      async () => {
        const random = randomFrom(SEED);
        const bad: string[] = [];
        const counts = new Map<string, number>();
        let done = 0;
        let kills = 0;
        while (done < OPERATIONS && bad.length === 0) {
          const target = Math.min(OPERATIONS - done, 10 + random(400));
          const driver = start(lab, { seed: random(2 ** 31), clean: false });
          done += await follow(driver, target, random(4) === 0, bad, counts);
          kills++;
        }
        expect(bad).toEqual([]);
        const refused = [...counts].filter(([key]) => key.includes(':'));
        const sum = refused.reduce((all, [, count]) => all + count, 0);
        console.log(
          `seed ${SEED}: ${done} operations (${sum} refused as they should be), ${kills} kills`,
        );
        const cleaner = start(lab, { seed: 0, clean: true });
        const lines: string[] = [];
        createInterface({ input: cleaner.stdout ?? process.stdin }).on('line', (line) =>
          lines.push(line),
        );
        await once(cleaner, 'close');
        expect(lines.at(-1)).toBe('clean');
        expect(lines.filter((line) => line.startsWith('BAD'))).toEqual([]);
        await lab.engine.close(); // another one may have made the parents again
        await expect.poll(() => holdings(lab), { timeout: 60_000 }).toEqual([]);
      },
      TIMEOUT_MS,
    );
  },
);

function start(lab: ContainerLab, { seed, clean }: { seed: number; clean: boolean }): ChildProcess {
  const config = lab.config(
    ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 60 & wait; done'],
    {
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        ...(lab.config([]).mounts ?? []).slice(1),
      ],
    },
  );
  const { root, instance } = lab;
  return spawn(
    process.execPath,
    [DRIVER, JSON.stringify({ root, instance, seed, config, clean })],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
}

/** Counts answers until there are enough of them, then kills. @returns how many there were */
async function follow(
  driver: ChildProcess,
  target: number,
  killsPlayer: boolean,
  bad: string[],
  counts: Map<string, number>,
): Promise<number> {
  let answers = 0;
  let player = 0;
  const lines = createInterface({ input: driver.stdout ?? process.stdin });
  lines.on('line', (line) => {
    const [first = '', second] = line.split(' ');
    if (first === 'player') {
      player = Number(second);
      return;
    }
    if (first === 'BAD') bad.push(line);
    answers++;
    const key = line.replace(/ (one|two|three|four|five|six)\b/, '');
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if (answers < target && bad.length === 0) return;
    driver.kill('SIGKILL');
    if (killsPlayer && player !== 0) killQuietly(player);
  });
  await once(driver, 'close');
  return answers;
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended with its driver
  }
}
