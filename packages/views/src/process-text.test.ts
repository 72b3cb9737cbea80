import { describe, expect, it } from 'vitest';
import { DEMO_STATE, demoProcess, demoStateWith } from './fixture.js';
import {
  argsText,
  isPidOne,
  pidsText,
  processCommands,
  sandboxPid,
  uidText,
} from './process-text.js';

const sh = DEMO_STATE.processes['4715:47150']!;
const zombie = DEMO_STATE.processes['4727:47270']!;

describe('pidsText', () => {
  it('goes from the host to the innermost namespace', () => {
    expect(pidsText(sh)).toBe('4715 → 15 → 1');
  });
  it('is one number where only one namespace sees the process', () => {
    expect(pidsText(demoProcess(9, { pids: [9] }))).toBe('9');
  });
});

describe('uidText', () => {
  it('shows both ids only when they differ', () => {
    expect(uidText(demoProcess(4800))).toBe('100000 → 0');
    expect(uidText(demoProcess(4800, { uid: { outside: 5, inside: 5 } }))).toBe('5');
  });
});

describe('argsText', () => {
  it('leaves the program out when its name says the same', () => {
    expect(argsText(demoProcess(4800, { comm: 'sleep', args: ['/bin/sleep', '9'] }))).toBe('9');
    expect(argsText(demoProcess(4800, { comm: 'bash', args: ['-bash'] }))).toBe('');
  });
  it('keeps a program whose name is another', () => {
    const busybox = demoProcess(4800, { comm: 'sh', args: ['busybox', 'sh'] });
    expect(argsText(busybox)).toBe('busybox sh');
  });
});

describe('sandboxPid', () => {
  it('is what the sandbox’s own ps shows, also for a process in a nested namespace', () => {
    expect(sandboxPid(DEMO_STATE, sh)).toBe(15);
    expect(sandboxPid(DEMO_STATE, DEMO_STATE.processes['4707:47070']!)).toBe(7);
  });
  it('is the second number while the nested namespace is not known yet', () => {
    expect(sandboxPid(demoStateWith([sh]), sh)).toBe(15);
  });
});

describe('isPidOne', () => {
  it('holds for the first process of any pid namespace', () => {
    expect(isPidOne(sh)).toBe(true);
    expect(isPidOne(zombie)).toBe(false);
  });
});

describe('processCommands', () => {
  it('name the pid as the sandbox sees it', () => {
    expect(processCommands(DEMO_STATE, sh)).toContain('grep NSpid /proc/15/status');
    expect(processCommands(DEMO_STATE, sh)).toContain('ls -l /proc/15/ns');
  });
  it('do not ask a zombie for its command line', () => {
    expect(processCommands(DEMO_STATE, zombie).join()).not.toContain('cmdline');
  });
});
