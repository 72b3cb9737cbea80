/**
 * Small line drawings for buttons, one stroke weight, 16 px grid. The meaning is always in the
 * button's text or label too.
 */
import type { ReactNode } from 'react';

const DRAWINGS = {
  sun: (
    <>
      <circle cx="8" cy="8" r="2.8" />
      <path d="M8 1.6v1.6M8 12.800v1.600M1.600 8h1.600M12.800 8h1.600M3.500 3.500l1.100 1.100M11.400 11.400l1.100 1.100M3.500 12.500l1.100-1.100M11.400 4.600l1.100-1.100" />
    </>
  ),
  moon: <path d="M13.2 9.700A5.600 5.600 0 0 1 6.300 2.800a5.600 5.600 0 1 0 6.900 6.900z" />,
  auto: (
    <>
      <circle cx="8" cy="8" r="5.6" />
      <path d="M8 2.400v11.200A5.600 5.600 0 0 0 8 2.400z" fill="currentColor" stroke="none" />
    </>
  ),
  present: (
    <>
      <path d="M2 3h12M3 3v6.500h10V3M8 9.500V12M5.500 14 8 12l2.500 2" />
    </>
  ),
  help: (
    <>
      <circle cx="8" cy="8" r="6" />
      <path d="M6.300 6.300a1.750 1.750 0 1 1 2.500 1.600c-.600.300-.800.700-.800 1.300M8 11.300v.100" />
    </>
  ),
  search: (
    <>
      <circle cx="7" cy="7" r="4.2" />
      <path d="m10.200 10.200 3.600 3.600" />
    </>
  ),
  plus: <path d="M8 3.500v9M3.500 8h9" />,
  close: <path d="m4.500 4.500 7 7M11.500 4.500l-7 7" />,
  split: <path d="M2.500 3.500h11v9h-11zM8 3.500v9" />,
  single: <path d="M2.500 3.500h11v9h-11z" />,
  full: <path d="M9.500 2.500h4v4M6.500 13.500h-4v-4M13 3 9.500 6.500M3 13l3.500-3.500" />,
  restore: (
    <path d="M13.500 6.500h-4v-4M2.500 9.500h4v4M9.800 6.200 13.500 2.500M6.200 9.800l-3.700 3.700" />
  ),
  chevron: <path d="m4.500 6.500 3.500 3.500 3.500-3.500" />,
  next: <path d="M3 8h9.500M9 4.500 12.500 8 9 11.500" />,
  run: <path d="m5 3.500 7.500 4.500L5 12.500z" />,
  check: <path d="m3.500 8.500 3 3 6-7" />,
  eye: (
    <>
      <path d="M1.500 8S4 3.800 8 3.800 14.500 8 14.500 8 12 12.200 8 12.200 1.500 8 1.500 8z" />
      <circle cx="8" cy="8" r="1.900" />
    </>
  ),
  reset: <path d="M3 8a5 5 0 1 0 1.600-3.700M3 2.500v2.800h2.800" />,
  more: <path d="M3.500 8h.010M8 8h.010M12.500 8h.010" strokeWidth="2.200" />,
  up: <path d="m4.500 9.500 3.500-3.500 3.500 3.500" />,
} as const satisfies Record<string, ReactNode>;

export type IconName = keyof typeof DRAWINGS;

/** A drawing beside or instead of a text; always decoration for a screen reader. */
export function Icon(props: { readonly name: IconName; readonly size?: number }) {
  const { name, size = 16 } = props;
  return (
    <svg
      className="icon"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.400"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {DRAWINGS[name]}
    </svg>
  );
}
