/**
 * Keeps a second daemon away from a folder: it would take the first one's sandboxes for leftovers
 * and remove them. The claim is an abstract unix socket, which the kernel frees when its owner
 * ends, however it ends: there is no stale lock file to explain.
 */
import { realpathSync } from 'node:fs';
import { createServer, type Server } from 'node:net';

/** Another daemon has the folder. */
export class AlreadyRunning extends Error {}

export interface Claim {
  release(): void;
}

/** Claims every folder or none. @throws AlreadyRunning */
export async function claimFolders(folders: readonly string[]): Promise<Claim[]> {
  const claims: Claim[] = [];
  try {
    for (const folder of new Set(folders.map((path) => realpathSync(path)))) {
      claims.push(await claim(folder));
    }
  } catch (error) {
    for (const one of claims) one.release();
    throw error;
  }
  return claims;
}

function claim(folder: string): Promise<Claim> {
  return new Promise((resolve, reject) => {
    const server: Server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') reject(error);
      else {
        reject(
          new AlreadyRunning(
            `a daemon already works with ${folder}: stop it first, or give this one other folders (--state, --run)`,
          ),
        );
      }
    });
    server.listen(`\0terrarium-daemon:${folder}`, () => {
      server.unref();
      resolve({ release: () => server.close() });
    });
  });
}
