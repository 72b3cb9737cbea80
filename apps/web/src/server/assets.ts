/**
 * The brotli copies of Next's scripts and style sheets (compress-assets.ts), for browsers that take
 * them: all do from https and from this machine itself. Everybody else gets what Next sends.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import sirv from 'sirv';

/** Where Next's assets are in the address. */
const PREFIX = '/_next/static';
const ASSETS = fileURLToPath(new URL('../../.next/static', import.meta.url));
/** Their names are hashes of what is in them: a year, seconds. */
const MAX_AGE_S = 31_536_000;

/** Answers when there is a copy; calls `otherwise` when there is none, or the browser takes none. */
export type AssetHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  otherwise: () => void,
) => void;

/** @param folder tests have one of their own */
export function compressedAssets(folder: string = ASSETS): AssetHandler {
  const serve = sirv(folder, { brotli: true, immutable: true, maxAge: MAX_AGE_S, etag: true });
  return (request, response, otherwise) => {
    const url = request.url ?? '';
    const takesBrotli = /\bbr\b/.test(String(request.headers['accept-encoding'] ?? ''));
    if (!takesBrotli || !/^\/_next\/static\/[^?]*\.(js|css)$/.test(url)) return otherwise();
    request.url = url.slice(PREFIX.length);
    serve(request, response, () => {
      request.url = url;
      otherwise();
    });
  };
}
