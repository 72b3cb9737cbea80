/**
 * What recordings need of the platform, and every browser and Node 20 have: text as UTF-8, base64
 * and gzip. Declared here, because this package is compiled for neither of them.
 */
import { RecordingError } from './recording-error.js';

interface ByteStream {
  readonly writable: {
    getWriter(): {
      write(bytes: Uint8Array): Promise<void>;
      close(): Promise<void>;
    };
  };
  readonly readable: {
    getReader(): {
      read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array }>;
      cancel(): Promise<void>;
    };
  };
}

declare const CompressionStream: new (format: 'gzip') => ByteStream;
declare const DecompressionStream: new (format: 'gzip') => ByteStream;
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
declare const TextDecoder: new (
  label: 'utf-8',
  options: { readonly fatal: boolean; readonly ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };
declare function btoa(binary: string): string;
declare function atob(text: string): string;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** @returns null for bytes that are no valid UTF-8 */
export function textOf(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

export function base64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** @returns null for text that is no base64 */
export function bytesOfBase64(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
}

export function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  return pass(new CompressionStream('gzip'), bytes, Number.POSITIVE_INFINITY);
}

/** @throws RecordingError for what is no gzip, or unpacks to more than `maxBytes` */
export async function gunzip(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  try {
    return await pass(new DecompressionStream('gzip'), bytes, maxBytes);
  } catch (error) {
    if (error instanceof RecordingError) throw error;
    throw new RecordingError('cannot be unpacked', { cause: error });
  }
}

async function pass(stream: ByteStream, bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const writer = stream.writable.getWriter();
  // Its failures also end the reading side, which tells of them.
  writer.write(bytes).catch(() => {});
  writer.close().catch(() => {});
  const reader = stream.readable.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done || value === undefined) return joined(parts, size);
    parts.push(value);
    size += value.length;
    if (size > maxBytes) {
      await reader.cancel().catch(() => {}); // we have said what we think of it
      throw new RecordingError(`unpacks to more than ${maxBytes} bytes`);
    }
  }
}

/** Several byte arrays as one. */
export function joined(
  parts: readonly Uint8Array[],
  size: number = parts.reduce((sum, part) => sum + part.length, 0),
): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
