/** What was said and printed during a walk, in its order, as one text that a person can read. */

/** Escape sequences: OSC up to its end, CSI, and those of two characters. */
const ESCAPES = new RegExp(
  ['\\x1b\\][^\\x07\\x1b]*(?:\\x07|\\x1b\\\\)', '\\x1b\\[[0-?]*[ -/]*[@-~]', '\\x1b[ -~]'].join(
    '|',
  ),
  'g',
);

export class Transcript {
  readonly #parts: { readonly of: 'terminal' | 'walk'; text: string }[] = [];

  /** The terminals printed this; sequences may be cut anywhere. */
  printed(text: string): void {
    const last = this.#parts.at(-1);
    if (last?.of === 'terminal') last.text += text;
    else this.#parts.push({ of: 'terminal', text });
  }

  /** The walk found this. */
  said(line: string): void {
    this.#parts.push({ of: 'walk', text: line });
  }

  /** Findings begin with `# `, everything else stood in a terminal. */
  text(): string {
    const parts = this.#parts.map(({ of, text }) =>
      of === 'walk' ? `# ${text.trim()}` : plain(text).replace(/\n$/, ''),
    );
    return `${parts.join('\n')}\n`;
  }
}

/** Without escape sequences, bells, and what a carriage return or a backspace draws over. */
export function plain(text: string): string {
  let shown = '';
  for (const char of text.replace(ESCAPES, '')) {
    if (char === '\b') shown = shown.endsWith('\n') ? shown : shown.slice(0, -1);
    else if (char >= ' ' || char === '\n' || char === '\t') shown += char;
  }
  return shown;
}
