/** Asks the daemon about files of the learner's sandbox: `/api/files`. */
import {
  type FileExpected,
  type FileList,
  type FileText,
  type FileWritten,
  fileReading,
  fileRefusal,
  fileWritten,
} from '@terrarium/protocol';

/** The daemon said no; `offline` when nobody answered. */
export class FileRefused extends Error {
  override readonly name = 'FileRefused';
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** What the editor needs; tests give it another one. Both throw FileRefused. */
export interface FilesApi {
  read(path: string): Promise<FileText | FileList>;
  write(path: string, text: string, expected: FileExpected): Promise<FileWritten>;
}

export const filesApi: FilesApi = {
  read: async (path) => fileReading.parse(await ask(path, {})),
  write: async (path, text, expected) =>
    fileWritten.parse(
      await ask(path, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ text, expected }),
      }),
    ),
};

async function ask(path: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(`/api/files?path=${encodeURIComponent(path)}`, init);
  } catch {
    throw new FileRefused('offline');
  }
  if (response.status === 401) throw new FileRefused('session');
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body;
  const refusal = fileRefusal.safeParse(body);
  if (refusal.success) throw new FileRefused(refusal.data.error.code);
  throw new FileRefused(response.status === 503 ? 'offline' : `HTTP ${response.status}`);
}
