'use client';
/**
 * The laser and the spotlight. Both are drawn over the page and take no room and no clicks in it, so that
 * nothing on it moves when they come and go.
 */
import { useEffect, useRef } from 'react';

/** A red dot that follows the mouse while it is on. */
export function Laser(props: { readonly on: boolean }) {
  const dot = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const follow = (event: PointerEvent): void => {
      const { style } = dot.current ?? {};
      if (style !== undefined) style.translate = `${event.clientX}px ${event.clientY}px`;
    };
    window.addEventListener('pointermove', follow, { passive: true });
    return () => window.removeEventListener('pointermove', follow);
  }, []);
  return (
    <div className="demo-laser" data-on={props.on || undefined} ref={dot} aria-hidden="true" />
  );
}

/** What the views show one by one; of nested ones the innermost is lit. */
const LIT = '[data-subject], [role=treeitem], [role=row]';
/** Air around what is lit, px. */
const AIR = 6;

/** Dims all but the element of a view that the pointer was over last. */
export function Spotlight() {
  const light = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let lit: Element | null = null;
    let drawn = '';
    let frame = 0;
    const draw = (): void => {
      frame = requestAnimationFrame(draw);
      const box = lit?.isConnected === true ? lit.getBoundingClientRect() : null;
      const shape = box === null ? '' : [box.left, box.top, box.width, box.height].join();
      if (shape === drawn || light.current === null) return;
      drawn = shape;
      place(light.current, box);
    };
    const aim = (event: PointerEvent): void => {
      if (!(event.target instanceof Element)) return;
      const stage = event.target.closest('.stage-view');
      const found = stage === null ? null : event.target.closest(LIT);
      if (found !== null) lit = found;
    };
    window.addEventListener('pointermove', aim, { passive: true });
    draw();
    return () => {
      cancelAnimationFrame(frame);
      window.removeEventListener('pointermove', aim);
    };
  }, []);
  return <div className="demo-spotlight" ref={light} hidden aria-hidden="true" />;
}

/** Nothing is dimmed while there is nothing to light. */
function place(light: HTMLElement, box: DOMRect | null): void {
  light.hidden = box === null;
  if (box === null) return;
  const { style } = light;
  style.left = `${box.left - AIR}px`;
  style.top = `${box.top - AIR}px`;
  style.width = `${box.width + 2 * AIR}px`;
  style.height = `${box.height + 2 * AIR}px`;
}
