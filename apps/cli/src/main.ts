/** `terrarium`: the command line. Each command is a file in commands/; this one only lists them. */
import { Command, CommanderError } from 'commander';
import { addDoctor } from './commands/doctor.js';
import { addLesson } from './commands/lesson.js';
import { addRecord } from './commands/record.js';
import { CommandFailure } from './failure.js';

/** Exit codes: 0 done, 1 it failed, 2 wrong use. */
const program = new Command('terrarium')
  .description('An interactive lab for containers on a real Linux kernel.')
  .version('0.1.0')
  .showHelpAfterError('(terrarium --help lists the commands)')
  .exitOverride();
addLesson(program);
addDoctor(program);
addRecord(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (error instanceof CommandFailure) {
    if (error.message !== '') console.error(`terrarium: ${error.message}`);
    process.exitCode = 1;
  } else {
    const text = error instanceof Error ? error.message : String(error);
    console.error(`terrarium: ${text.split('\n')[0]}`);
    if (process.env['TERRARIUM_DEBUG'] !== undefined) console.error(error);
    process.exitCode = 1;
  }
}
