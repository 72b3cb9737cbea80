/** What is wrong with a recording, and where: `recording: chunk 12: is cut off`. */
export class RecordingError extends Error {
  /** number of the chunk, the header's being 0; null when it is about the file as a whole */
  readonly chunk: number | null;
  readonly problem: string;

  constructor(problem: string, options: { chunk?: number; cause?: unknown } = {}) {
    const place = options.chunk === undefined ? '' : `chunk ${options.chunk}: `;
    super(`recording: ${place}${problem}`, { cause: options.cause });
    this.name = 'RecordingError';
    this.chunk = options.chunk ?? null;
    this.problem = problem;
  }

  /** The same problem with its place. */
  in(chunk: number): RecordingError {
    return this.chunk === null ? new RecordingError(this.problem, { chunk, cause: this }) : this;
  }
}
