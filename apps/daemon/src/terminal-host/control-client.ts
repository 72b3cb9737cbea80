/** The daemon's side of control-protocol.ts. Every answer is checked by its schema. */

import { Agent, type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { type ZodType, z } from 'zod';
import {
  type ControlError,
  controlError,
  type HostEvent,
  type HostStatus,
  hostEvent,
  hostStatus,
  type SandboxRegistration,
  type TerminalOpening,
  type TerminalReport,
  terminalReport,
} from './control-protocol.js';

/** A refusal of the terminal host. */
export class ControlRefusal extends Error {
  override readonly name = 'ControlRefusal';
  readonly code: ControlError['code'];

  constructor(error: ControlError) {
    super(error.message);
    this.code = error.code;
  }
}

const empty = z.object({});

/** Talks to the terminal host on its control socket; `close` when done. */
export class TerminalHostClient {
  readonly #socketPath: string;
  /**
   * A connection for each question. One that is kept is closed by the host after five idle seconds,
   * sometimes just as the next question is written (EPIPE); a new one costs 0.1 ms.
   */
  readonly #agent = new Agent({ maxSockets: 8 });

  /** @param socketPath RUN/terminals-control.sock */
  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  status(): Promise<HostStatus> {
    return this.#ask('GET', '/status', hostStatus);
  }

  /** Registers a sandbox before any of its learner's code runs, or its successor after a reset. */
  async registerSandbox(id: string, registration: SandboxRegistration): Promise<void> {
    await this.#ask('PUT', `/sandboxes/${encodeURIComponent(id)}`, empty, registration);
  }

  /** Closes the sandbox's terminals and forgets it. */
  async dropSandbox(id: string): Promise<void> {
    await this.#ask('DELETE', `/sandboxes/${encodeURIComponent(id)}`, empty);
  }

  /** Opens a terminal; resolves when its shell runs. */
  openTerminal(id: string, opening: TerminalOpening): Promise<TerminalReport> {
    return this.#ask('PUT', `/terminals/${encodeURIComponent(id)}`, terminalReport, opening);
  }

  /** Ends the shell and starts a new one; connected pages stay and see an empty screen. */
  restartTerminal(id: string): Promise<TerminalReport> {
    return this.#ask('POST', `/terminals/${encodeURIComponent(id)}/restart`, terminalReport);
  }

  /** Types into a terminal, as `Run` does. */
  async input(id: string, bytes: string | Uint8Array): Promise<void> {
    await this.#ask(
      'POST',
      `/terminals/${encodeURIComponent(id)}/input`,
      empty,
      Buffer.from(bytes),
    );
  }

  async closeTerminal(id: string): Promise<void> {
    await this.#ask('DELETE', `/terminals/${encodeURIComponent(id)}`, empty);
  }

  async terminals(): Promise<TerminalReport[]> {
    const schema = z.object({ terminals: z.array(terminalReport) });
    return (await this.#ask('GET', '/terminals', schema)).terminals;
  }

  /** Ends all shells and the terminal host. */
  async shutdown(): Promise<void> {
    await this.#ask('POST', '/shutdown', empty);
  }

  /**
   * Follows what happens. The first event is `hello`; ask for `status` behind it to miss nothing.
   *
   * @param onEnd the host is gone, or the connection; called once
   * @returns how to stop
   */
  follow(onEvent: (event: HostEvent) => void, onEnd: (error: Error | null) => void): () => void {
    let ended = false;
    const end = (error: Error | null): void => {
      if (ended) return;
      ended = true;
      asked.destroy();
      onEnd(error);
    };
    const asked = request(
      { socketPath: this.#socketPath, path: '/events', agent: false },
      (response) => {
        const lines = createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY });
        // readline repeats its input's error, and one that nobody hears ends the process.
        lines.on('error', end);
        lines.on('line', (line) => onEvent(hostEvent.parse(JSON.parse(line))));
        response.on('error', end);
        response.on('close', () => end(null));
      },
    );
    asked.on('error', end);
    asked.end();
    return () => {
      ended = true;
      asked.destroy();
    };
  }

  close(): void {
    this.#agent.destroy();
  }

  async #ask<T>(
    method: string,
    path: string,
    schema: ZodType<T>,
    content?: object | Buffer,
  ): Promise<T> {
    const payload =
      content === undefined || Buffer.isBuffer(content)
        ? content
        : Buffer.from(JSON.stringify(content));
    const { status, text } = await this.#exchange(method, path, payload);
    const json: unknown = JSON.parse(text);
    if (status !== 200) throw new ControlRefusal(controlError.parse(json));
    return schema.parse(json);
  }

  #exchange(
    method: string,
    path: string,
    payload: Buffer | undefined,
  ): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const asked = request(
        {
          socketPath: this.#socketPath,
          path,
          method,
          agent: this.#agent,
          headers: { 'content-length': payload?.length ?? 0 },
        },
        (response) => {
          readText(response).then(
            (text) => resolve({ status: response.statusCode ?? 0, text }),
            reject,
          );
        },
      );
      asked.on('error', reject);
      asked.end(payload);
    });
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
