/**
 * The marks of the one visual language: a glyph and a ring for each kind of namespace, and the
 * small signs of a process. Hue comes from the `data-kind` attribute (views.css), never alone:
 * every ring carries its glyph, and its pattern tells two namespaces of one kind apart.
 */
import type { NamespaceKind } from '@terrarium/timeline';
import type { ReactElement, ReactNode } from 'react';
import type { RingPattern } from './rings.js';

interface Mark {
  /** edge in CSS pixels */
  readonly size?: number;
  /** spoken name; without it the mark is decoration beside a text that says the same */
  readonly title?: string;
}

/** Drawn on a 12 × 12 grid with a stroke of 1.4, so that they hold at 10 px. */
const GLYPHS: Readonly<Record<NamespaceKind, ReactElement>> = {
  // a process and its two children
  pid: (
    <>
      <path d="M6 3.6v2.2M3 8.4V7.2a1.4 1.4 0 0 1 1.4-1.4h3.2A1.4 1.4 0 0 1 9 7.2v1.2" />
      <circle cx="6" cy="2.4" r="1.2" className="fill" />
      <circle cx="3" cy="9.6" r="1.2" className="fill" />
      <circle cx="9" cy="9.6" r="1.2" className="fill" />
    </>
  ),
  // a folder
  mnt: <path d="M1.7 9.7V2.9h3l1.2 1.5h4.4v5.3z" />,
  // a switch with three ports
  net: (
    <>
      <path d="M6 6.2 2.8 9M6 6.2 9.2 9M6 6.2V2.8" />
      <rect x="4.7" y="1.2" width="2.6" height="2.6" className="fill" />
      <rect x="1.2" y="8.2" width="2.6" height="2.6" className="fill" />
      <rect x="8.2" y="8.2" width="2.6" height="2.6" className="fill" />
    </>
  ),
  // a name tag
  uts: (
    <>
      <path d="M1.6 3.3h5.6L10.6 6 7.2 8.7H1.6z" />
      <circle cx="7" cy="6" r=".9" className="fill" />
    </>
  ),
  // two ways
  ipc: <path d="M1.6 4.3h7.6M7 2.1l2.3 2.2L7 6.4M10.4 8.1H2.8M5 5.9 2.7 8.1 5 10.2" />,
  // head and shoulders
  user: (
    <>
      <circle cx="6" cy="3.8" r="2" />
      <path d="M2.2 10.4c.3-2.4 1.8-3.4 3.8-3.4s3.5 1 3.8 3.4" />
    </>
  ),
  // a vessel with a level
  cgroup: (
    <>
      <path d="M2.4 1.8v7.1c0 .8.5 1.3 1.3 1.3h4.6c.8 0 1.3-.5 1.3-1.3V1.8" />
      <path d="M2.6 6.2h6.8v2.6a1 1 0 0 1-1 1H3.6a1 1 0 0 1-1-1z" className="fill" stroke="none" />
    </>
  ),
  // an hourglass
  time: (
    <path d="M2.8 1.7h6.4M2.8 10.3h6.4M3.6 1.8c0 2.6 4.8 5.8 4.8 8.4M8.4 1.8c0 2.6-4.8 5.8-4.8 8.4" />
  ),
};

/** The glyph of a kind in the current colour. */
export function NamespaceGlyph({ kind, size = 12, title }: Mark & { kind: NamespaceKind }) {
  return (
    <Drawing box={12} className="tr-glyph" size={size} title={title}>
      {GLYPHS[kind]}
    </Drawing>
  );
}

/** Dash lengths on a circle of circumference 62.83 (r = 10): the patterns close. */
const DASHES: Readonly<Partial<Record<RingPattern, string>>> = {
  dashed: '3.6 4.254',
  dotted: '0.01 4.478',
  'dash-dot': '4.6 3.978 0.01 3.978',
  'long-dash': '9.6 6.108',
};

/**
 * The ring of a namespace with its glyph inside.
 *
 * @param pattern null for the sandbox's own, which is thin and neutral
 */
export function NamespaceRing({
  kind,
  pattern,
  size = 18,
  title,
}: Mark & { kind: NamespaceKind; pattern: RingPattern | null }) {
  const dash = pattern === null ? undefined : DASHES[pattern];
  return (
    <Drawing
      box={24}
      className="tr-ring"
      kind={pattern === null ? undefined : kind}
      pattern={pattern ?? 'own'}
      size={size}
      title={title}
    >
      <circle cx="12" cy="12" r="10" className="tr-ring-line" strokeDasharray={dash} />
      {pattern === 'double' && <circle cx="12" cy="12" r="7.2" className="tr-ring-line inner" />}
      <g transform={pattern === 'double' ? 'translate(7.5 7.5) scale(.75)' : 'translate(6 6)'}>
        {GLYPHS[kind]}
      </g>
    </Drawing>
  );
}

/** PID 1 of a namespace wears it. */
export function Crown({ size = 13, title }: Mark) {
  return (
    <Drawing box={14} className="tr-crown" size={size} title={title}>
      <path d="M2 10.5 1.3 4.2l3.2 2.6L7 2.6l2.5 4.2 3.2-2.6-.7 6.3z" className="fill" />
    </Drawing>
  );
}

export function TerminalMark({ size = 13, title }: Mark) {
  return (
    <Drawing box={14} className="tr-glyph" size={size} title={title}>
      <rect x="1.2" y="2" width="11.6" height="10" rx="1.6" />
      <path d="m3.8 5 2 2-2 2M7.6 9.2h2.6" />
    </Drawing>
  );
}

/** Ended, but nobody has asked for its exit status: an outline with nothing in it. */
export function ZombieMark({ size = 13, title }: Mark) {
  return (
    <Drawing box={14} className="tr-glyph" size={size} title={title}>
      <path
        d="M2.6 12V6.4a4.4 4.4 0 0 1 8.8 0V12L9.5 10.6 7 12l-2.5-1.4z"
        strokeDasharray="1.8 1.3"
      />
      <path d="m4.9 5.4 1.4 1.4M6.3 5.4 4.9 6.8M7.9 5.4l1.4 1.4M9.3 5.4 7.9 6.8" />
    </Drawing>
  );
}

export function TombstoneMark({ size = 13, title }: Mark) {
  return (
    <Drawing box={14} className="tr-glyph" size={size} title={title}>
      <path d="M3 12V5.6a4 4 0 0 1 8 0V12M1.4 12.3h11.2M7 4.6v4M5.4 6h3.2" />
    </Drawing>
  );
}

/** Points right; CSS turns it when open. */
export function Chevron({ size = 12 }: Mark) {
  return (
    <Drawing box={12} className="tr-glyph" size={size}>
      <path d="m4.4 2.6 3.4 3.4-3.4 3.4" />
    </Drawing>
  );
}

export function PinMark({ size = 13, title }: Mark) {
  return (
    <Drawing box={14} className="tr-glyph" size={size} title={title}>
      <path d="M5 1.8h4M5.6 1.8l-.4 4-2 2.4h7.6l-2-2.4-.4-4M7 8.2v4.2" />
    </Drawing>
  );
}

function Drawing(props: {
  box: number;
  size: number;
  className: string;
  title?: string | undefined;
  kind?: NamespaceKind | undefined;
  pattern?: string;
  children: ReactNode;
}) {
  const { box, size, className, title, kind, pattern, children } = props;
  return (
    <svg
      viewBox={`0 0 ${box} ${box}`}
      width={size}
      height={size}
      className={className}
      data-kind={kind}
      data-pattern={pattern}
      role={title === undefined ? undefined : 'img'}
      aria-label={title}
      aria-hidden={title === undefined ? true : undefined}
      focusable="false"
    >
      {children}
    </svg>
  );
}
