/** Mounts a view in jsdom and drives it: for the tests of this package only. */
import { act, type ReactElement } from 'react';
import { createRoot } from 'react-dom/client';

declare global {
  // React's own switch for act() outside a test renderer.
  var IS_REACT_ACT_ENVIRONMENT: boolean;
}

export interface Mounted {
  readonly container: HTMLElement;
  readonly render: (element: ReactElement) => void;
  readonly unmount: () => void;
  readonly all: (selector: string) => HTMLElement[];
  readonly press: (key: string) => void;
  readonly fire: (target: Element | undefined, type: string) => void;
}

export function mount(element: ReactElement): Mounted {
  globalThis.IS_REACT_ACT_ENVIRONMENT = true;
  const container = document.createElement('div');
  document.body.append(container);
  const root = createRoot(container);
  const render = (next: ReactElement) => act(() => root.render(next));
  render(element);
  return {
    container,
    render,
    unmount: () => {
      act(() => root.unmount());
      container.remove();
    },
    all: (selector) => [...container.querySelectorAll<HTMLElement>(selector)],
    press: (key) =>
      act(() => {
        document.activeElement?.dispatchEvent(
          new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }),
        );
      }),
    fire: (target, type) =>
      act(() => {
        if (target === undefined) throw new Error(`nothing to fire ${type} at`);
        target.dispatchEvent(new MouseEvent(type, { bubbles: true, cancelable: true }));
      }),
  };
}
