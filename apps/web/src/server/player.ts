/**
 * The player page (apps/player), which the page fetches to put a recording into it. Never shown from
 * here: its script stands in the page, and this server's policy allows none that does.
 */
import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';

/** apps/web/dist/server/player.js stands three below apps. */
const PLAYER = fileURLToPath(new URL('../../../player/build/player.html', import.meta.url));

/** Answers 404 where it is not built. */
export async function sendPlayer(response: ServerResponse): Promise<void> {
  try {
    const page = await readFile(PLAYER);
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.setHeader('Content-Disposition', 'attachment; filename="player.html"');
    response.setHeader('Cache-Control', 'no-cache');
    response.end(page);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    response.statusCode = 404;
    response.end('the player is not built\n');
  }
}
