/**
 * The observer process: a child of the daemon, root, host namespaces. Reads the kernel, changes
 * nothing but its own tracefs instances, and takes them down when the daemon goes.
 *
 *     node observer-process.js NAME MOUNT_DIR        (with an IPC channel)
 */
import { setPriority } from 'node:os';
import { type ObserverRequest, serveObserver } from '@terrarium/observer';

const [name = 'default', mountDir = '/run/terrarium/tracefs'] = process.argv.slice(2);

/** Where cores are short, a scan waits for a shell's start, not the other way round. */
const NICENESS = 5;
setPriority(NICENESS);

const served = await serveObserver({
  name,
  mountDir,
  reply: (message) => {
    // A daemon that was killed a moment ago: `disconnect` follows, and the error says no more.
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  },
});

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await served.stop();
  process.exit(0);
}

process.on('message', (request: ObserverRequest) => {
  if (request.type === 'stop') void stop();
  else served.handle(request);
});
process.on('disconnect', () => void stop());
if (!process.connected) void stop(); // the daemon was killed while this process began
// The terminal's Ctrl-C reaches the whole process group; the daemon decides when this one goes.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => void stop());
