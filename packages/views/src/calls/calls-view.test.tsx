// @vitest-environment jsdom
import type { State, TapedCall } from '@terrarium/timeline';
import { act } from 'react';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEMO_STATE } from '../fixture.js';
import { type Mounted, mount } from '../testing.js';
import { resultText, tokensOf, tookText } from './call-text.js';
import { CallsView, type CallsViewProps } from './calls-view.js';
import { errnoHint, errnoWords } from './errno-words.js';
import { DEMO_CALLS_STATE } from './fixture.js';

let view: Mounted;
beforeAll(() => {
  globalThis.CSS ??= { escape: (text: string) => text.replaceAll(/[^\w]/g, '\\$&') } as typeof CSS;
});
afterEach(() => view.unmount());

const element = (special: Partial<CallsViewProps> = {}) => (
  <CallsView state={DEMO_CALLS_STATE} lang="en" {...special} />
);
const show = (special?: Partial<CallsViewProps>): void => {
  view = mount(element(special));
};
const rows = () => view.all('tbody tr');
const cells = (row: HTMLElement | undefined) =>
  [...(row?.querySelectorAll('td') ?? [])].map((cell) => cell.textContent);

function choose(select: Element | undefined, value: string): void {
  act(() => {
    const setter = Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, 'value')?.set;
    setter?.call(select, value);
    select?.dispatchEvent(new Event('change', { bubbles: true }));
  });
}

function taped(seq: number): TapedCall {
  const call = { process: '4715:47150', name: 'mount', args: [], result: 0, errno: null };
  return { ...call, at: 0, took: null, seq };
}

describe('CallsView', () => {
  it('is a table named System calls, newest last', () => {
    show();
    expect(view.all('table')[0]?.getAttribute('aria-label')).toBe('System calls');
    expect(rows()).toHaveLength(11);
    expect(cells(rows()[1]).slice(1)).toEqual([
      'unshare 4714 → 14',
      'unshare(CLONE_NEWNS|CLONE_NEWPID)',
      '0 ',
    ]);
    expect(cells(rows()[2])[3]).toBe('15 pid 15');
    expect(rows()[1]?.getAttribute('data-subject')).toBe('call:101');
  });

  it('marks a failure and says errno in words', () => {
    show();
    const failed = rows().filter((row) => row.hasAttribute('data-failed'));
    expect(failed.map((row) => cells(row)[3])).toEqual([
      'failed: -1 ENOENT no such file or directory',
      'failed: -1 EINVAL invalid argument',
      'failed: -1 EPERM operation not permitted',
    ]);
  });

  it('names a caller that it never saw by its pid on the host', () => {
    show();
    expect(cells(rows()[9])[1]).toBe('? 4799');
  });

  it('names one that it never saw by the program that it executed', () => {
    const call = { ...taped(1), process: '8237:1', name: 'execve', args: ['"/usr/sbin/ip"', '[]'] };
    show({ state: { ...DEMO_CALLS_STATE, calls: [call, { ...taped(2), process: '8237:1' }] } });
    expect(rows().map((row) => cells(row)[1])).toEqual(['ip 8237', 'ip 8237']);
  });

  it('remembers the name of a caller that has ended', () => {
    show();
    view.render(element({ state: { ...DEMO_CALLS_STATE, processes: {} } }));
    expect(cells(rows()[1])[1]).toBe('unshare 4714 → 14');
  });

  it('filters by process and by name', () => {
    show();
    const [process, name] = view.all('select');
    choose(process, '4714:47140');
    expect(rows()).toHaveLength(3);
    choose(name, 'clone');
    expect(rows()).toHaveLength(1);
    expect(view.container.textContent).toContain('1 of 11 calls');
    choose(name, 'mount');
    expect(view.container.textContent).toContain('No call on the tape is so.');
  });

  it('shows what is known about the chosen call, and a hint to its errno', () => {
    const typed: string[] = [];
    show({ onShowInTerminal: (command) => typed.push(command) });
    view.fire(rows()[7], 'click');
    const facts = view.all('.tr-facts')[0]?.textContent ?? '';
    expect(facts).toContain('invalid argument');
    expect(facts).toContain('The new root must be a mount point');
    expect(facts).toContain('pivot_root(2)');
    view.fire(view.all('.tr-show')[0], 'click');
    expect(typed).toEqual(['man 2 pivot_root']);
  });

  it('says what a call touched', () => {
    show();
    view.fire(rows()[1], 'click');
    expect(view.all('.tr-facts')[0]?.textContent).toContain('now in pid:[4026532700]');
    view.fire(rows()[2], 'click');
    expect(view.all('.tr-facts')[0]?.textContent).toContain('made sh 15');
  });

  it('is walked by the keyboard with one tab stop', () => {
    show();
    expect(view.all('tbody tr[tabindex="0"]')).toHaveLength(1);
    act(() => rows()[0]?.focus());
    view.press('End');
    expect(document.activeElement).toBe(rows()[10]);
    view.press('Enter');
    expect(rows()[10]?.getAttribute('aria-selected')).toBe('true');
  });

  it('has a switch, with its cost beside it', () => {
    const asked: boolean[] = [];
    show({ onTrace: (on) => asked.push(on) });
    const [button] = view.all('[role="switch"]');
    expect(button?.getAttribute('aria-checked')).toBe('true');
    const cost = document.getElementById(button?.getAttribute('aria-describedby') ?? '');
    expect(cost?.textContent).not.toBe('');
    view.fire(button, 'click');
    expect(asked).toEqual([false]);
    view.render(element({ past: true, onTrace: () => {} }));
    expect((view.all('[role="switch"]')[0] as HTMLButtonElement).disabled).toBe(true);
  });

  it('follows the newest, until somebody scrolls up', () => {
    const state = (upTo: number): State => ({
      ...DEMO_CALLS_STATE,
      calls: Array.from({ length: upTo }, (_, i) => taped(i + 1)),
    });
    show({ state: state(3) });
    const [scroller] = view.all('.tr-scroll');
    let top = 0;
    Object.defineProperties(scroller, {
      scrollHeight: { value: 1000 },
      clientHeight: { value: 100 },
      scrollTop: { get: () => top, set: (value: number) => (top = value) },
    });
    view.render(element({ state: state(4) }));
    expect(top).toBe(1000);
    top = 300;
    view.fire(scroller, 'scroll');
    view.render(element({ state: state(6) }));
    expect(top).toBe(300);
    const [newest] = view.all('.tr-newest');
    expect(newest?.textContent).toContain('2 new');
    view.fire(newest, 'click');
    expect(top).toBe(1000);
    expect(view.all('.tr-newest')).toHaveLength(0);
  });

  it('explains an empty tape, on and off', () => {
    show({ state: DEMO_STATE });
    expect(view.container.textContent).toContain('The tape is off.');
    view.render(element({ state: { ...DEMO_STATE, tracing: true } }));
    expect(view.container.textContent).toContain('The tape is running.');
  });

  it('speaks Chinese', () => {
    show({ lang: 'zh' });
    expect(view.all('table')[0]?.getAttribute('aria-label')).toBe('系统调用');
    expect(cells(rows()[7])[3]).toContain('无效的参数');
  });
});

describe('a call in words', () => {
  it('cuts arguments into strings, flags and the rest', () => {
    expect(
      tokensOf('CLONE_NEWPID|SIGCHLD').map(({ text, type, kind }) => [text, type, kind]),
    ).toEqual([
      ['CLONE_NEWPID', 'flag', 'pid'],
      ['|', 'plain', undefined],
      ['SIGCHLD', 'flag', undefined],
    ]);
    expect(tokensOf('"MS_BIND \\" x"').map(({ type }) => type)).toEqual(['string']);
    expect(tokensOf('NULL').map(({ type }) => type)).toEqual(['plain']);
    const odd = '{flags=CLONE_NEWNET, exit_signal=SIGCHLD, stack=NULL} "open';
    expect(
      tokensOf(odd)
        .map(({ text }) => text)
        .join(''),
    ).toBe(odd);
  });

  it.each([
    ['clone', 7, null, '7', 'pid 7'],
    ['clone', 0, null, '0', ''],
    ['openat', 3, null, '3', 'fd 3'],
    ['mount', -1, 'EBUSY', '-1 EBUSY', 'device or resource busy'],
    ['exit_group', null, null, '?', 'does not return'],
    ['wait4', null, null, '?', 'has not returned'],
  ])('%s %s %s', (name, result, errno, value, words) => {
    expect(resultText({ ...taped(1), name, result, errno }, 'en')).toEqual({ value, words });
  });

  it('has words and hints in both languages', () => {
    expect(errnoWords('EPERM', 'zh')).toBe('不允许的操作');
    expect(errnoWords('EWHATEVER', 'en')).toBe('');
    expect(errnoHint('clone3', 'ENOMEM', 'en')).toContain('PID 1');
    expect(errnoHint('read', 'EIO', 'en')).toBeNull();
  });

  it('tells times with a unit', () => {
    expect([0.0005, 0.006, 1.25, 2500].map(tookText)).toEqual([
      ...['500 ns', '6 µs', '1.3 ms', '2.50 s'],
    ]);
  });
});
