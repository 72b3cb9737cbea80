/**
 * Films a page without any other program: Chromium's own screencast frames go to a second page,
 * which draws them on a canvas and encodes the canvas with MediaRecorder to WebM.
 */
import { writeFile } from 'node:fs/promises';
import type { Browser, CDPSession, Page } from 'playwright-core';

export const VIDEO_SIZE: { width: number; height: number } = { width: 1280, height: 720 };

/** Bits a second: text stays readable. */
const BITRATE = 2_500_000;

export class Recorder {
  readonly #camera: CDPSession;
  readonly #studio: Page;
  #drawing: Promise<unknown> = Promise.resolve();

  private constructor(camera: CDPSession, studio: Page) {
    this.#camera = camera;
    this.#studio = studio;
  }

  static async start(browser: Browser, page: Page): Promise<Recorder> {
    const studio = await (await browser.newContext()).newPage();
    await studio.evaluate(startRecording, { ...VIDEO_SIZE, bitrate: BITRATE });
    const camera = await page.context().newCDPSession(page);
    const recorder = new Recorder(camera, studio);
    camera.on('Page.screencastFrame', ({ data, sessionId }) => {
      recorder.#drawing = studio
        .evaluate(drawFrame, data)
        .then(() => camera.send('Page.screencastFrameAck', { sessionId }))
        .catch(() => {}); // the page was closed between two frames
    });
    await camera.send('Page.startScreencast', {
      format: 'jpeg',
      quality: 80,
      maxWidth: VIDEO_SIZE.width,
      maxHeight: VIDEO_SIZE.height,
    });
    return recorder;
  }

  /** Ends the film and writes it. */
  async finish(file: string): Promise<void> {
    await this.#camera.send('Page.stopScreencast');
    await this.#drawing;
    const base64 = await this.#studio.evaluate(stopRecording);
    await writeFile(file, Buffer.from(base64, 'base64'));
    await this.#studio.context().close();
  }
}

// The three functions below run in the studio page, not here: they are sent there as text.

declare const document: {
  body: { append(node: unknown): void };
  createElement(tag: string): never;
};
declare const window: { film: Film };
interface Film {
  draw(jpeg: string): Promise<void>;
  stop(): Promise<string>;
}

async function startRecording(options: {
  width: number;
  height: number;
  bitrate: number;
}): Promise<void> {
  const browser = globalThis as unknown as BrowserGlobals;
  const canvas = document.createElement('canvas') as Canvas;
  canvas.width = options.width;
  canvas.height = options.height;
  document.body.append(canvas);
  const context = canvas.getContext('2d');
  const recorder = new browser.MediaRecorder(canvas.captureStream(15), {
    mimeType: 'video/webm;codecs=vp8',
    videoBitsPerSecond: options.bitrate,
  });
  const chunks: unknown[] = [];
  recorder.ondataavailable = ({ data }) => chunks.push(data);
  recorder.start(1000);
  window.film = {
    draw: async (jpeg) => {
      const bytes = Uint8Array.from(browser.atob(jpeg), (char) => char.charCodeAt(0));
      const picture = await browser.createImageBitmap(new browser.Blob([bytes]));
      context.drawImage(picture, 0, 0, canvas.width, canvas.height);
      picture.close();
    },
    stop: () =>
      new Promise((resolve) => {
        recorder.onstop = () => {
          const reader = new browser.FileReader();
          reader.onload = () => resolve(String(reader.result).split(',')[1] ?? '');
          reader.readAsDataURL(new browser.Blob(chunks));
        };
        recorder.stop();
      }),
  };
}

function drawFrame(jpeg: string): Promise<void> {
  return window.film.draw(jpeg);
}

function stopRecording(): Promise<string> {
  return window.film.stop();
}

/** The few browser types that are used: this package is compiled without the DOM's. */
interface Canvas {
  width: number;
  height: number;
  getContext(kind: '2d'): {
    drawImage(picture: unknown, x: number, y: number, width: number, height: number): void;
  };
  captureStream(framesPerSecond: number): unknown;
}
interface BrowserGlobals {
  MediaRecorder: new (
    stream: unknown,
    options: { mimeType: string; videoBitsPerSecond: number },
  ) => {
    ondataavailable: (event: { data: unknown }) => void;
    onstop: () => void;
    start(sliceMs: number): void;
    stop(): void;
  };
  FileReader: new () => {
    onload: () => void;
    readonly result: unknown;
    readAsDataURL(blob: unknown): void;
  };
  Blob: new (parts: readonly unknown[]) => unknown;
  atob(text: string): string;
  createImageBitmap(blob: unknown): Promise<{ close(): void }>;
}
