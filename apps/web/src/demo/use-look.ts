'use client';
/** How the presentation looks on this projector: type size and contrast. Kept in this browser. */
import { useCallback, useEffect, useState } from 'react';

/** Of the page's type, px; the third is the usual one. The terminal's grows by as much. */
const SIZES = [16, 18, 20, 22, 25, 28, 32, 36] as const;
const USUAL = 2;
const KEPT = 'terrarium-demo-look';

export interface Look {
  /** steps from the usual size */
  readonly size: number;
  /** px that the terminals add to their own size */
  readonly extraSize: number;
  readonly contrast: boolean;
  larger(by: 1 | -1): number;
  toggleContrast(): boolean;
}

/** The look of this window, applied to the whole document while the page is shown. */
export function useLook(): Look {
  const [look, setLook] = useState({ at: USUAL, contrast: false });
  useEffect(() => setLook(read()), []);
  const { at, contrast } = look;
  useEffect(() => {
    const { style, dataset } = document.documentElement;
    style.fontSize = `${SIZES[at]}px`;
    if (contrast) dataset['contrast'] = 'high';
    else delete dataset['contrast'];
    // The panes and the emulators measure themselves in pixels.
    window.dispatchEvent(new Event('resize'));
    return () => {
      style.fontSize = '';
      delete dataset['contrast'];
    };
  }, [at, contrast]);
  const change = useCallback((next: { at: number; contrast: boolean }) => {
    setLook(next);
    try {
      localStorage.setItem(KEPT, `${next.at} ${next.contrast}`);
    } catch {
      // A browser that keeps nothing shows the usual look next time.
    }
  }, []);
  return {
    size: at - USUAL,
    extraSize: (SIZES[at] ?? SIZES[USUAL]) - SIZES[0],
    contrast,
    larger: (by) => {
      const next = Math.min(SIZES.length - 1, Math.max(0, at + by));
      change({ at: next, contrast });
      return next - USUAL;
    },
    toggleContrast: () => {
      change({ at, contrast: !contrast });
      return !contrast;
    },
  };
}

function read(): { at: number; contrast: boolean } {
  let kept = '';
  try {
    kept = localStorage.getItem(KEPT) ?? '';
  } catch {
    // as above
  }
  const [, at, contrast] = /^(\d) (true|false)$/.exec(kept) ?? [];
  const known = Number(at ?? USUAL);
  return { at: known < SIZES.length ? known : USUAL, contrast: contrast === 'true' };
}
