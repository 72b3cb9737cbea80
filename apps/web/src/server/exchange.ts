/**
 * Turns the token of the printed link into a session: the daemon makes a learner of whoever
 * shows it, and this server keeps nothing.
 */
import { request } from 'node:http';
import { z } from 'zod';

/** What became of a token. */
export type ExchangeResult =
  | { readonly kind: 'session'; readonly session: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'down'; readonly error: Error };

const answerSchema = z.object({ session: z.string().regex(/^[A-Za-z0-9_-]{16,128}$/) });

/** The daemon answers in milliseconds; after this it is as good as down. */
const TIMEOUT_MS = 5000;

/**
 * Asks the daemon for a session (`POST /sessions {"token": …}` → 201 `{"session": …}`).
 *
 * @param cookie the browser's Cookie header: with a session that still lives, the daemon gives
 *   the same one back, so that opening the link twice does not lose the learner's sandbox
 */
export function exchangeToken(
  daemonSocket: string,
  token: string,
  cookie: string | undefined,
): Promise<ExchangeResult> {
  return new Promise((resolve) => {
    const body = JSON.stringify({ token });
    const down = (error: Error): void => resolve({ kind: 'down', error });
    const onward = request(
      {
        socketPath: daemonSocket,
        path: '/sessions',
        method: 'POST',
        timeout: TIMEOUT_MS,
        // Node's own keeps connections, which the daemon may close just as this is written.
        agent: false,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          ...(cookie === undefined ? {} : { cookie }),
        },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => {
          text += chunk;
        });
        answer.on('error', down);
        answer.on('end', () => resolve(readAnswer(answer.statusCode ?? 0, text)));
      },
    );
    onward.on('timeout', () =>
      onward.destroy(new Error(`no answer on ${daemonSocket} in ${TIMEOUT_MS} ms`)),
    );
    onward.on('error', down);
    onward.end(body);
  });
}

function readAnswer(status: number, text: string): ExchangeResult {
  if (status >= 400 && status < 500) return { kind: 'refused' };
  if (status < 200 || status > 299) {
    return { kind: 'down', error: new Error(`POST /sessions: the daemon answered ${status}`) };
  }
  const parsed = answerSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    return { kind: 'down', error: new Error('POST /sessions: the answer has no session in it') };
  }
  return { kind: 'session', session: parsed.data.session };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null; // the schema says what is wrong with it
  }
}
