/** `terrarium doctor`: what this machine offers and lacks, each with the remedy. */
import type { Command } from 'commander';
import type { Line } from '../doctor/findings.js';
import { CommandFailure } from '../failure.js';

/** Adds the command. Exit status 1 when something is missing without which the lab cannot run. */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('Say what this machine offers and lacks for the lab, each with the remedy.')
    .option('--json', 'print an array of { id, level, found, purpose, remedy? }')
    .option('--fence <pid>', 'say what holds this process instead, with the raw values')
    .action(doctor);
}

const WORDS = { ok: 'present', reduced: 'reduced', missing: 'MISSING' } as const;

async function doctor(options: { json?: true; fence?: string }): Promise<void> {
  if (options.fence !== undefined) return fence(options.fence, options.json === true);
  const { findings } = await import('../doctor/findings.js');
  const lines = findings();
  if (options.json === true) console.log(JSON.stringify(lines, null, 2));
  else for (const line of lines) console.log(describe(line));
  const missing = lines.filter((line) => line.level === 'missing').map((line) => line.id);
  if (missing.length > 0) {
    throw new CommandFailure(`the lab cannot run here: ${missing.join(', ')} missing`);
  }
}

async function fence(pid: string, json: boolean): Promise<void> {
  const { describeFence, fenceOf } = await import('../doctor/fence.js');
  const found = await fenceOf(pid);
  console.log(json ? JSON.stringify(found, null, 2) : describeFence(found));
}

/** `present  overlay             overlay file system (a sandbox writes above the base image)` */
function describe({ id, level, found, purpose, remedy }: Line): string {
  const text = `${WORDS[level]}  ${id.padEnd(18)} ${found} (${purpose})`;
  return remedy === undefined ? text : `${text}\n${' '.repeat(28)}remedy: ${remedy}`;
}
