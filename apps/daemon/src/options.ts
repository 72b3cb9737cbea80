/**
 * Every option of the daemon, with unit, default, flag and environment variable. The table is the
 * manual: `--help` prints it, the README quotes it, and nothing else reads argv or the environment.
 */
import { z } from 'zod';

/** What the rest of the daemon is given. All sizes in bytes, all times in milliseconds. */
export interface DaemonOptions {
  /** database, base images, access token, records of sandboxes; absolute path */
  readonly stateDir: string;
  /** sockets; absolute path */
  readonly runDir: string;
  /** group that may connect to the sockets (the web process's); null: root alone */
  readonly webGid: number | null;
  /** folder with `containers/NN-name/lesson.yaml` */
  readonly lessonsDir: string;
  /** base image by directory; null: the newest below STATE/images */
  readonly baseImage: string | null;
  readonly memoryBytes: number;
  readonly pids: number;
  readonly cpuPercent: number;
  readonly diskBytes: number;
  readonly terminals: number;
  readonly sessions: number;
  readonly idleMs: number;
  readonly messagesPerSecond: number;
  /** what set-up could not have on this machine, in the page's languages */
  readonly reduced: readonly { readonly en: string; readonly zh: string }[];
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

interface OptionRow {
  readonly flag: string;
  readonly env: string;
  readonly value: string;
  readonly fallback: string;
  readonly help: string;
  readonly parse: (text: string) => unknown;
}

const MIB = 1024 * 1024;

/** One row an option, in the order of `--help`. */
export const OPTION_TABLE = {
  stateDir: {
    flag: 'state',
    env: 'TERRARIUM_STATE',
    value: 'DIR',
    fallback: '/var/lib/terrarium',
    help: 'what outlives a restart: database, images, access token',
    parse: absolutePath,
  },
  runDir: {
    flag: 'run',
    env: 'TERRARIUM_RUN',
    value: 'DIR',
    fallback: '/run/terrarium',
    help: 'sockets; two daemons need two of these',
    parse: absolutePath,
  },
  webGid: {
    flag: 'web-gid',
    env: 'TERRARIUM_WEB_GID',
    value: 'GID',
    fallback: '',
    help: 'numeric group that may connect to the sockets; without it root alone may',
    parse: (text) => (text === '' ? null : wholeNumber(0, 2 ** 32 - 2)(text)),
  },
  lessonsDir: {
    flag: 'lessons',
    env: 'TERRARIUM_LESSONS',
    value: 'DIR',
    fallback: '',
    help: 'lessons to offer; default: the lessons folder of this checkout',
    parse: (text) => (text === '' ? null : absolutePath(text)),
  },
  baseImage: {
    flag: 'base-image',
    env: 'TERRARIUM_BASE_IMAGE',
    value: 'DIR',
    fallback: '',
    help: 'root file system of every sandbox, used read-only; default: the newest in STATE/images',
    parse: (text) => (text === '' ? null : absolutePath(text)),
  },
  memoryBytes: {
    flag: 'memory',
    env: 'TERRARIUM_MEMORY',
    value: 'MiB',
    fallback: '512',
    help: "memory of one sandbox in MiB, its disk's pages included",
    parse: (text: string) => wholeNumber(32, 1024 * 1024)(text) * MIB,
  },
  pids: {
    flag: 'pids',
    env: 'TERRARIUM_PIDS',
    value: 'N',
    fallback: '256',
    help: 'processes and threads of one sandbox',
    parse: wholeNumber(16, 32_768),
  },
  cpuPercent: {
    flag: 'cpu',
    env: 'TERRARIUM_CPU',
    value: '%',
    fallback: '100',
    help: 'CPU of one sandbox in percent of one core',
    parse: wholeNumber(1, 102_400),
  },
  diskBytes: {
    flag: 'disk',
    env: 'TERRARIUM_DISK',
    value: 'MiB',
    fallback: '256',
    help: 'files that one sandbox may write, in MiB (a tmpfs, so it counts as memory too)',
    parse: (text) => wholeNumber(16, 1024 * 1024)(text) * MIB,
  },
  terminals: {
    flag: 'terminals',
    env: 'TERRARIUM_TERMINALS',
    value: 'N',
    fallback: '4',
    help: 'terminals of one session',
    parse: wholeNumber(1, 64),
  },
  sessions: {
    flag: 'sessions',
    env: 'TERRARIUM_SESSIONS',
    value: 'N',
    fallback: '40',
    help: 'sandboxes alive at one time',
    parse: wholeNumber(1, 1000),
  },
  idleMs: {
    flag: 'idle',
    env: 'TERRARIUM_IDLE',
    value: 'SECONDS',
    fallback: '7200',
    help: 'a sandbox without a page is deleted after so many seconds; progress is kept',
    parse: (text) => wholeNumber(1, 30 * 24 * 3600)(text) * 1000,
  },
  messagesPerSecond: {
    flag: 'message-rate',
    env: 'TERRARIUM_MESSAGE_RATE',
    value: 'N',
    fallback: '50',
    help: 'messages a second of one page, four times that in a burst; beyond, it is disconnected',
    parse: wholeNumber(1, 10_000),
  },
  reduced: {
    flag: 'reduced',
    env: 'TERRARIUM_REDUCED',
    value: 'JSON',
    fallback: '[]',
    help: 'what set-up could not have, as [{"en": "…", "zh": "…"}]; shown on the page',
    parse: sentences,
  },
  logLevel: {
    flag: 'log-level',
    env: 'TERRARIUM_LOG_LEVEL',
    value: 'LEVEL',
    fallback: 'info',
    help: 'debug, info, warn, error or silent; JSON lines on stderr',
    parse: oneOf('debug', 'info', 'warn', 'error', 'silent'),
  },
} satisfies Record<keyof DaemonOptions, OptionRow>;

const ROWS: readonly [string, OptionRow][] = Object.entries(OPTION_TABLE);

/** Wrong use of the command line or the environment; the message is one sentence for the user. */
export class UsageError extends Error {}

/** What the command line asks for. */
export type Invocation =
  | { readonly run: 'daemon'; readonly options: DaemonOptions }
  | { readonly run: 'help' };

/**
 * Reads flags (`--memory 256` or `--memory=256`) first, then the environment, then defaults.
 *
 * @param defaultLessonsDir used when neither flag nor environment names one
 * @throws UsageError naming the flag and what it takes
 */
export function parseInvocation(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  defaultLessonsDir: string,
): Invocation {
  const flags = parseFlags(argv);
  if (flags === 'help') return { run: 'help' };
  const values: Record<string, unknown> = {};
  for (const [name, row] of ROWS) {
    const given = flags.get(row.flag);
    const text = given ?? env[row.env] ?? row.fallback;
    try {
      values[name] = row.parse(text);
    } catch (error) {
      const source = given === undefined ? row.env : `--${row.flag}`;
      throw new UsageError(`${source}: ${(error as Error).message}`);
    }
  }
  values['lessonsDir'] ??= defaultLessonsDir;
  return { run: 'daemon', options: optionsShape.parse(values) };
}

/** The text of `--help`. */
export function helpText(): string {
  const left = ROWS.map(([, row]) => `--${row.flag} ${row.value}`);
  const width = Math.max(...left.map((text) => text.length));
  const rows = ROWS.map(([, row], i) => {
    const fallback = row.fallback === '' ? '' : ` [${row.fallback}]`;
    return `  ${(left[i] ?? '').padEnd(width)}  ${row.help}${fallback}\n  ${' '.repeat(width)}  ${row.env}`;
  });
  return [
    'usage: terrarium-daemon [options]',
    '',
    'Runs the sandboxes of Terrarium. Needs root; listens on unix sockets only.',
    '',
    ...rows,
    '',
  ].join('\n');
}

const localTexts = z.array(z.object({ en: z.string(), zh: z.string() }));

const optionsShape: z.ZodType<DaemonOptions> = z.object({
  stateDir: z.string(),
  runDir: z.string(),
  webGid: z.number().nullable(),
  lessonsDir: z.string(),
  baseImage: z.string().nullable(),
  memoryBytes: z.number(),
  pids: z.number(),
  cpuPercent: z.number(),
  diskBytes: z.number(),
  terminals: z.number(),
  sessions: z.number(),
  idleMs: z.number(),
  messagesPerSecond: z.number(),
  reduced: localTexts,
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']),
});

function parseFlags(argv: readonly string[]): Map<string, string> | 'help' {
  const known = new Set(ROWS.map(([, row]) => row.flag));
  const flags = new Map<string, string>();
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--help' || word === '-h') return 'help';
    const match = /^--([a-z-]+)(?:=(.*))?$/s.exec(word);
    const flag = match?.[1];
    if (flag === undefined || !known.has(flag)) {
      throw new UsageError(`${word}: no such option (--help lists them)`);
    }
    const value = match?.[2] ?? argv[++i];
    if (value === undefined) throw new UsageError(`--${flag}: needs a value`);
    flags.set(flag, value);
  }
  return flags;
}

function absolutePath(text: string): string {
  if (!text.startsWith('/')) throw new Error(`must be an absolute path, not "${text}"`);
  return text.length > 1 ? text.replace(/\/+$/, '') : text;
}

function sentences(text: string): z.infer<typeof localTexts> {
  try {
    return localTexts.parse(JSON.parse(text));
  } catch {
    throw new Error('must be a JSON list of {"en", "zh"}');
  }
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new Error(`must be a whole number from ${least} to ${most}, not "${text}"`);
  };
}

function oneOf(...words: readonly string[]): (text: string) => string {
  return (text) => {
    if (words.includes(text)) return text;
    throw new Error(`must be one of ${words.join(', ')}, not "${text}"`);
  };
}
