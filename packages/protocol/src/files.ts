/**
 * Files of the sandbox over HTTP: `GET /api/files?path=` reads one (or lists a directory), `PUT
 * /api/files?path=` writes one. Paths and errors are the sandbox's own. Shared by daemon and page.
 */
import { z } from 'zod';

/** Largest file, bytes; the engine has the same number. */
export const FILE_MAX_BYTES = 512 * 1024;
/** Longest path in letters, as PATH_MAX of linux/limits.h with its NUL; the kernel counts bytes. */
const PATH_MAX = 4095;

/** Absolute, as the sandbox's root sees it. */
export const filePath: z.ZodType<string> = z
  .string()
  .startsWith('/', 'an absolute path')
  .max(PATH_MAX, 'the path is too long')
  .refine((path) => !path.includes('\0'), 'a path has no NUL');

/** A text file as it was read. */
export interface FileText {
  readonly kind: 'file';
  /** where it really is: without symlinks */
  readonly path: string;
  readonly text: string;
  readonly size: number;
  /** nanoseconds since the epoch, decimal digits; given back with a write */
  readonly mtime: string;
  /** permission bits */
  readonly mode: number;
  /** `proc`, `cgroup2` …: the kernel's answer, which cannot be saved; null for a file */
  readonly kernel: string | null;
}

/** What a directory holds. */
export interface FileList {
  readonly kind: 'directory';
  readonly path: string;
  readonly entries: readonly {
    readonly name: string;
    readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  }[];
  /** there are more */
  readonly truncated: boolean;
}

export const fileReading: z.ZodType<FileText | FileList> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('file'),
    path: z.string(),
    text: z.string(),
    size: z.number(),
    mtime: z.string(),
    mode: z.number(),
    kernel: z.string().nullable(),
  }),
  z.object({
    kind: z.literal('directory'),
    path: z.string(),
    entries: z.array(
      z.object({ name: z.string(), kind: z.enum(['file', 'directory', 'symlink', 'other']) }),
    ),
    truncated: z.boolean(),
  }),
]);

/** What a write expects to find: the file as it was read, no file, or any file. */
export type FileExpected = { readonly mtime: string } | 'new' | 'any';

/** Body of a write. */
export interface FileWriteBody {
  readonly text: string;
  readonly expected: FileExpected;
}

export const fileWriteBody: z.ZodType<FileWriteBody> = z.object({
  // How large it may be is the engine's to say, in words of a file.
  text: z.string(),
  expected: z.union([
    z.enum(['new', 'any']),
    z.object({ mtime: z.string().regex(/^-?\d{1,20}$/) }),
  ]),
});

/** A file as it stands after a write. */
export interface FileWritten {
  readonly path: string;
  readonly size: number;
  readonly mtime: string;
}

export const fileWritten: z.ZodType<FileWritten> = z.object({
  path: z.string(),
  size: z.number(),
  mtime: z.string(),
});

/**
 * Why not: errno's name (`ENOENT`, `EACCES`, `EROFS`, `ENOSPC` …), or `not-regular`, `too-large`,
 * `binary`, `changed` (another than was expected), `timeout`; `sandbox` (there is none), `busy`.
 */
export interface FileRefusal {
  readonly code: string;
  readonly message: string;
}

export const fileRefusal: z.ZodType<{ error: FileRefusal }> = z.object({
  error: z.object({ code: z.string(), message: z.string() }),
});
