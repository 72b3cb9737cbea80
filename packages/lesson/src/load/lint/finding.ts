/** What a rule of the lint has found, before its line is known. */
export interface Finding {
  readonly file: 'lesson.yaml' | 'en.md' | 'zh.md';
  /** the line counted from 1, or a text that stands on it, the first after the step's beginning */
  readonly at: number | string;
  readonly message: string;
  readonly hint?: string;
}
