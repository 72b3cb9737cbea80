/** `terrarium doctor`: what this machine offers and lacks, each with the remedy. */
import type { Command } from 'commander';
import { type Finding, findings } from '../doctor/findings.js';
import { readMachine } from '../doctor/machine.js';
import { CommandFailure } from '../failure.js';

/** Adds the command. */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('Say what this machine offers and lacks for the lab, each with the remedy.')
    .option('--json', 'print an array of { id, status, required, found, purpose, remedy }')
    .action(doctor);
}

function doctor(options: { json?: true }): void {
  const all = findings(readMachine());
  if (options.json === true) console.log(JSON.stringify(all, null, 2));
  else for (const one of all) console.log(describe(one));
  const missing = all.filter((one) => one.required && one.status === 'lacking');
  if (missing.length === 0) return;
  const names = missing.map((one) => one.id).join(', ');
  throw new CommandFailure(`the lab cannot run here, it lacks ${names}`);
}

/** `present  overlay              overlay in /proc/filesystems: a sandbox writes above …` */
function describe({ id, status, found, purpose, remedy }: Finding): string {
  const line = `${status.padEnd(8)} ${id.padEnd(26)} ${found}: ${purpose}`;
  return remedy === null ? line : `${line}\n${' '.repeat(36)}remedy: ${remedy}`;
}
