/**
 * A learner without a browser: opens the invitation link, then speaks the two WebSocket protocols
 * through the web process, exactly as the page does. For benchmarks and load tests.
 */

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { LiveClient, TerminalConnection } from '../../packages/protocol/dist/index.js';
import { EMPTY_STATE, fold } from '../../packages/timeline/dist/index.js';

/** The folder that holds the checkout. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/**
 * Exchanges the link's token for a session cookie.
 *
 * @returns the Cookie header's value
 */
export async function join(lab) {
  const response = await fetch(lab.url, { redirect: 'manual' });
  const cookie = response.headers
    .getSetCookie()
    .find((text) => text.startsWith('terrarium_session'));
  if (!cookie) throw new Error(`${lab.origin}: no session cookie (status ${response.status})`);
  return cookie.split(';')[0];
}

/** One session with its folded state and its terminals. */
export class Learner {
  /** @param live options of the LiveClient that differ from the page's: its clock */
  constructor(lab, cookie, lesson = null, live = {}) {
    this.lab = lab;
    this.cookie = cookie;
    this.lesson = lesson;
    this.state = EMPTY_STATE;
    this.liveOptions = live;
    this.sandbox = 'none';
    this.terminals = [];
    this.steps = [];
    this.waiters = new Set();
    this.messages = [];
  }

  socket(where) {
    return new WebSocket(`${this.lab.origin.replace('http', 'ws')}${where}`, {
      headers: { cookie: this.cookie, origin: this.lab.origin },
      perMessageDeflate: false,
    });
  }

  start() {
    this.live = new LiveClient({
      connect: () => this.socket('/api/live'),
      lesson: this.lesson,
      onMessage: (message) => this.take(message),
      ...this.liveOptions,
    });
    this.live.start();
    return this;
  }

  take(message) {
    this.messages.push(message.type);
    if (message.type === 'welcome' || message.type === 'terminals')
      this.terminals = message.terminals;
    if (message.type === 'snapshot') this.state = message.state;
    if (message.type === 'events') this.state = fold(this.state, message.events);
    if (message.type === 'sandbox') this.sandbox = message.status;
    if (message.type === 'steps') this.steps = message.steps;
    if (message.type === 'error') this.error = message;
    for (const waiter of [...this.waiters]) waiter(message);
  }

  /** Resolves as soon as `predicate(this, message)` holds, now or after a message. */
  until(predicate, what, timeoutMs = 20_000) {
    return new Promise((resolve, reject) => {
      if (predicate(this, undefined)) return resolve();
      const timer = setTimeout(() => {
        this.waiters.delete(waiter);
        reject(
          new Error(
            `waited ${timeoutMs} ms for ${what}; last messages: ${this.messages.slice(-6).join(', ')}; ${JSON.stringify(this.error ?? null)}`,
          ),
        );
      }, timeoutMs);
      const waiter = (message) => {
        if (!predicate(this, message)) return;
        clearTimeout(timer);
        this.waiters.delete(waiter);
        resolve();
      };
      this.waiters.add(waiter);
    });
  }

  /** Connects to one terminal; `text` grows with what it prints. */
  terminal(id) {
    const terminal = { text: '', listeners: new Set() };
    const decoder = new TextDecoder();
    terminal.connection = new TerminalConnection({
      connect: () => this.socket(`/api/terminals/${id}`),
      size: { cols: 100, rows: 30 },
      sink: {
        write(bytes, drawn) {
          terminal.text = (terminal.text + decoder.decode(bytes, { stream: true })).slice(-200_000);
          drawn();
          for (const listener of [...terminal.listeners]) listener();
        },
        resize() {},
      },
    });
    terminal.type = (text) => terminal.connection.input(new TextEncoder().encode(text));
    terminal.until = (pattern, timeoutMs = 10_000) =>
      new Promise((resolve, reject) => {
        const test = () => pattern.test(terminal.text);
        if (test()) return resolve();
        const timer = setTimeout(
          () =>
            reject(
              new Error(
                `waited ${timeoutMs} ms for ${pattern} in: ${JSON.stringify(terminal.text.slice(-300))}`,
              ),
            ),
          timeoutMs,
        );
        const listener = () => {
          if (!test()) return;
          clearTimeout(timer);
          terminal.listeners.delete(listener);
          resolve();
        };
        terminal.listeners.add(listener);
      });
    terminal.connection.start();
    return terminal;
  }

  stop() {
    this.live.close();
  }
}

/** A learner whose sandbox runs and whose first prompt is there. */
export async function learnerAtPrompt(lab, lesson = null) {
  const learner = new Learner(lab, await join(lab), lesson).start();
  await learner.until((l) => l.terminals.some((t) => t.state === 'running'), 'the first terminal');
  await learner.until((l) => l.state.sandbox !== null, 'the first snapshot');
  const terminal = learner.terminal(learner.terminals[0].id);
  await terminal.until(/[#$] /);
  return { learner, terminal };
}
