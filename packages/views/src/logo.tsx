/**
 * The jar with three strata and a sprouting process tree, and its three moods: empty, cracked,
 * filling. Line drawings made for this project; they take the colours of the page.
 */
import type { ReactNode } from 'react';

interface Drawing {
  /** height in CSS pixels */
  readonly size?: number;
  /** spoken name; without it the drawing is decoration */
  readonly title?: string;
  readonly className?: string;
}

/** The mark is drawn in the same strata as the vessels, dark below, light on top. */
const STRATA = {
  3: 'M9.8 39.3h28.4c-.2 2.6-1.9 4-4.4 4H14.2c-2.5 0-4.2-1.4-4.4-4z',
  2: 'M9.8 35.2c5-1.4 9.6.9 14.3.5 4.9-.4 8.9-2 14.1-.6v4.2H9.8z',
  1: 'M9.8 31.4c4.4 1.3 9.4-1.2 14.2-.7 4.7.5 9.3 1.4 14.2-.2v4.6c-5.2-1.4-9.2.2-14.1.6-4.7.4-9.3-1.9-14.3-.5z',
} as const;

const JAR =
  'M13 7h22M15.5 7v4.2c0 1.3-.7 2.2-1.8 3.1C10.6 16.7 9 19.8 9 23.4V39c0 3 2 5 5 5h20c3 0 5-2 5-5V23.4c0-3.6-1.6-6.7-4.7-9.1-1.1-.9-1.8-1.8-1.8-3.1V7';

/** The mark of Terrarium; readable from 20 px on. */
export function Logo({ size = 32, title, className }: Drawing) {
  return (
    <Frame size={size} title={title} className={className}>
      <path className="tr-stratum-3" d={STRATA[3]} />
      <path className="tr-stratum-2" d={STRATA[2]} />
      <path className="tr-stratum-1" d={STRATA[1]} />
      <path
        className="tr-stem"
        d="M24 31V21.5M24 27.5c0-2.6-1.6-3.6-4.6-3.9M24 24.5c0-2.4 1.5-3.4 4.4-3.7"
      />
      <circle className="tr-bud" cx="24" cy="19.6" r="2.1" />
      <circle className="tr-bud" cx="17.9" cy="23.4" r="1.7" />
      <circle className="tr-bud" cx="29.9" cy="20.5" r="1.7" />
      <path className="tr-glass" d={JAR} />
    </Frame>
  );
}

/** Nothing lives here yet. */
export function EmptyVessel({ size = 96, title, className }: Drawing) {
  return (
    <Frame size={size} title={title} className={className}>
      <path className="tr-hint" d="M12 38.5c5-1 9.5.6 14 .3 3.7-.3 6.8-1.1 10-.5" />
      <path className="tr-hint" d="M24 34.5v-3M24 28.5v-1.5" />
      <path className="tr-glass" d={JAR} />
      <path className="tr-shine" d="M13 24c0-2.4 1-4.4 2.8-6" />
    </Frame>
  );
}

/** Something broke; the sentence beside it says what. */
export function CrackedVessel({ size = 96, title, className }: Drawing) {
  return (
    <Frame size={size} title={title} className={className}>
      <path className="tr-stratum-3" d={STRATA[3]} />
      <path className="tr-stratum-2" d={STRATA[2]} />
      <path className="tr-glass" d={JAR} />
      <path className="tr-crack" d="m33.3 13.4-5 5.2 3.3 2.6-6.2 4.6 2.8 3.3-3.6 3.8" />
      <path className="tr-crack" d="m31.6 21.2 5 1.6M25.4 25.8l-4.2-.9" />
    </Frame>
  );
}

/** The strata rise one after the other (they stand still with prefers-reduced-motion). */
export function LoadingVessel({ size = 96, title, className }: Drawing) {
  return (
    <Frame size={size} title={title} className={`tr-filling ${className ?? ''}`}>
      <path className="tr-stratum-3" d={STRATA[3]} />
      <path className="tr-stratum-2" d={STRATA[2]} />
      <path className="tr-stratum-1" d={STRATA[1]} />
      <path className="tr-glass" d={JAR} />
      <path className="tr-shine" d="M13 24c0-2.4 1-4.4 2.8-6" />
    </Frame>
  );
}

function Frame(props: {
  size: number;
  title: string | undefined;
  className: string | undefined;
  children: ReactNode;
}) {
  return (
    <svg
      viewBox="0 0 48 48"
      width={props.size}
      height={props.size}
      className={`tr-drawing ${props.className ?? ''}`}
      role={props.title === undefined ? undefined : 'img'}
      aria-label={props.title}
      aria-hidden={props.title === undefined ? true : undefined}
      focusable="false"
    >
      {props.children}
    </svg>
  );
}
