import { describe, expect, it } from 'vitest';
import { helpText, OPTION_TABLE, parseInvocation, UsageError } from './options.js';

const MIB = 1024 * 1024;

function options(argv: string[] = [], env: Record<string, string> = {}) {
  const invocation = parseInvocation(argv, env, '/lessons');
  if (invocation.run !== 'daemon') throw new Error('asked for help');
  return invocation.options;
}

describe('parseInvocation', () => {
  it('has documented defaults', () => {
    expect(options()).toEqual({
      stateDir: '/var/lib/terrarium',
      runDir: '/run/terrarium',
      webGid: null,
      lessonsDir: '/lessons',
      baseImage: null,
      memoryBytes: 512 * MIB,
      pids: 256,
      cpuPercent: 100,
      diskBytes: 256 * MIB,
      terminals: 4,
      sessions: 40,
      idleMs: 2 * 3600 * 1000,
      messagesPerSecond: 50,
      reduced: [],
      logLevel: 'info',
    });
  });

  it('takes a flag before the environment, in both spellings', () => {
    const env = { TERRARIUM_MEMORY: '128', TERRARIUM_PIDS: '64' };
    expect(options(['--memory', '256'], env)).toMatchObject({ memoryBytes: 256 * MIB, pids: 64 });
    expect(options(['--memory=300'], env)).toMatchObject({ memoryBytes: 300 * MIB });
  });

  it.each([
    [['--memory', 'much'], {}, '--memory: must be a whole number from 32 to 1048576, not "much"'],
    [['--nonsense', '1'], {}, '--nonsense: no such option (--help lists them)'],
    [['--pids'], {}, '--pids: needs a value'],
    [[], { TERRARIUM_RUN: 'run' }, 'TERRARIUM_RUN: must be an absolute path, not "run"'],
    [[], { TERRARIUM_REDUCED: '[1]' }, 'TERRARIUM_REDUCED: must be a JSON list of {"en", "zh"}'],
    [
      ['--log-level', 'loud'],
      {},
      '--log-level: must be one of debug, info, warn, error, silent, not "loud"',
    ],
  ])('refuses %j %j in one sentence', (argv, env, message) => {
    expect(() => options(argv, env)).toThrow(new UsageError(message));
  });
});

describe('helpText', () => {
  it('names every option with its variable and default', () => {
    const help = helpText();
    for (const row of Object.values(OPTION_TABLE)) {
      expect(help).toContain(`--${row.flag} ${row.value}`);
      expect(help).toContain(row.env);
      expect(help).toContain(row.help);
    }
  });
});
