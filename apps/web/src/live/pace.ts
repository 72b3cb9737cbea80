/**
 * When the page draws what came. In quiet times at once; when more comes, at the next frame; in a
 * storm, where drawing would take all of the page's time, less often, so that typing and scrolling
 * stay smooth.
 *
 * Drawing has an allowance of time that refills steadily. A single change finds it full and is drawn
 * at once, however much it costs; only who has used it up waits.
 */

/** Share of the page's time that drawing may take for long. */
const SHARE = 0.25;
/** Allowance that quiet times save up, ms: a command's dozen changes need not wait. */
const SAVED_MS = 120;
/** Longest wait, ms: what is shown may be so old. */
const MAX_WAIT_MS = 200;

/** The browser's clock and queues; tests pass their own. */
export interface PaceClock {
  readonly now: () => number;
  /** once what arrived together with this has been heard as well */
  readonly soon: (action: () => void) => void;
  /** before the next frame is drawn */
  readonly frame: (action: () => void) => void;
  /** tells what the action took with all that React does for it, ms; painting is not in it: it is others', too */
  readonly cost: (tell: (cost: number) => void) => void;
  readonly later: (action: () => void, ms: number) => void;
}

/** @returns a scheduler: runs each action handed to it, soon */
export function pacedFrames(clock: PaceClock = browserClock()): (action: () => void) => void {
  let allowance = SAVED_MS;
  let refilledAt = clock.now();
  const refill = (): void => {
    const now = clock.now();
    allowance = Math.min(SAVED_MS, allowance + (now - refilledAt) * SHARE);
    refilledAt = now;
  };
  const draw = (action: () => void): void => {
    clock.cost((cost) => {
      refill();
      allowance -= cost;
    });
    action();
  };
  return (action) => {
    refill();
    if (allowance >= SAVED_MS / 2) clock.soon(() => draw(action));
    else if (allowance >= 0) clock.frame(() => draw(action));
    else {
      const wait = Math.min(MAX_WAIT_MS, -allowance / SHARE);
      clock.later(() => clock.frame(() => draw(action)), wait);
    }
  };
}

function browserClock(): PaceClock {
  return {
    now: () => performance.now(),
    // A hidden tab draws no frames: there a slow timer keeps the state from piling up.
    frame: (action) => {
      if (document.hidden) setTimeout(action, 250);
      else requestAnimationFrame(action);
    },
    soon: (action) => {
      if (document.hidden) setTimeout(action, 250);
      else afterThis(action);
    },
    cost: (tell) => {
      const began = performance.now();
      // React commits in a microtask that the action queues; this one is queued behind it.
      queueMicrotask(() => queueMicrotask(() => tell(performance.now() - began)));
    },
    later: (action, ms) => {
      setTimeout(action, ms);
    },
  };
}

/** A task of its own, without the 4 ms that timers wait. */
function afterThis(action: () => void): void {
  const channel = new MessageChannel();
  channel.port1.onmessage = () => {
    channel.port1.close();
    action();
  };
  channel.port2.postMessage(null);
}
