/**
 * `doctor --fence PID`: what holds one process, in words and as the kernel's raw values. As root
 * it sees every process; else those of the same user.
 */
import { type Fence, NoSuchProcess, probeHostFacts, readFence } from '@terrarium/engine';
import { CommandFailure } from '../failure.js';

/** Reads it. @throws CommandFailure when there is no such process */
export async function fenceOf(pid: string): Promise<Fence> {
  if (!/^[1-9]\d{0,9}$/.test(pid)) throw new CommandFailure(`${pid} is no process id`);
  try {
    return await readFence(Number(pid), { facts: probeHostFacts() });
  } catch (error) {
    if (error instanceof NoSuchProcess) throw new CommandFailure(error.message);
    throw error;
  }
}

/** One entry a paragraph: title, sentence, raw values, what it refuses. */
export function describeFence({ pid, command, entries }: Fence): string {
  const paragraphs = entries.map(({ title, sentence, raw, refuses }) =>
    [
      `${title.en}: ${sentence.en}`,
      ...raw.map(({ path, value }) => `    ${path} = ${value.replaceAll('\n', ' | ')}`),
      ...(refuses.length === 0 ? [] : [`    refuses: ${refuses.join(', ')}`]),
    ].join('\n'),
  );
  return [`process ${pid} (${command})`, ...paragraphs].join('\n');
}
