/** `terrarium record …`: what one does with recordings (docs/recording-format.md) outside of the lab. */
import { readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { bytesSource, openRecording, type RecordingSource } from '@terrarium/timeline';
import type { Command } from 'commander';
import { CommandFailure } from '../failure.js';
import { ROOT } from '../project.js';
import { describeRecording, recordingInfo } from './record-info.js';

/** Adds the command. */
export function addRecord(program: Command): void {
  const record = program.command('record').description('Play and inspect .terrarium recordings.');
  record
    .command('player')
    .description('Write a page that plays recordings: one file, no lab, no network.')
    .argument('<out>', 'the HTML file to write')
    .argument('[recording]', 'a .terrarium file to put into it; without it the page asks for one')
    .action(writePlayer);
  record
    .command('info')
    .description('Say what is in a recording.')
    .argument('<recording>', 'a .terrarium file')
    .option('--json', 'print one object')
    .action(info);
}

/** Where the page has room for a recording, see apps/player/template.html. */
const ROOM = '<script id="recording" type="text/plain"></script>';

async function writePlayer(out: string, recording: string | undefined): Promise<void> {
  const page = playerPage();
  if (recording === undefined) {
    writeFileSync(out, page);
    return;
  }
  const bytes = readFileSync(recording);
  await openRecording(bytesSource(bytes)); // what is none is not put into a page
  const inside = ROOM.replace('><', () => `>${bytes.toString('base64')}<`);
  const title = basename(recording).replace(/[&<>]/g, '');
  writeFileSync(
    out,
    page
      .replace(ROOM, () => inside)
      .replace('<title>Terrarium recording</title>', () => `<title>${title}</title>`),
  );
}

function playerPage(): string {
  const file = join(ROOT, 'apps/player/build/player.html');
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CommandFailure(
      'the player is not built yet: npm start builds it, or npm run build -w @terrarium/player',
    );
  }
}

async function info(file: string, options: { json?: true }): Promise<void> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const source: RecordingSource = {
      size,
      read: async (offset, length) => {
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, offset);
        return buffer.subarray(0, bytesRead);
      },
    };
    const found = await recordingInfo(await openRecording(source), size);
    console.log(options.json === true ? JSON.stringify(found, null, 2) : describeRecording(found));
  } finally {
    await handle.close();
  }
}
