/**
 * How smoothly the page draws while much happens: 500 processes in the tree, of which some end and
 * begin ten times a second. Frames are counted in the page by requestAnimationFrame; how busy its
 * main thread is, Chromium says itself. The peer is the same page at rest.
 */
import { openLesson } from './browser.mjs';
import { startLab } from './lab.mjs';
import { row } from './statistics.mjs';

const PROCESSES = 500;
/** 3 % of the tree ends and begins at each tick, as in a busy build. */
const CHURN = 15;
const SECONDS = 10;

export const FRAME_BENCHES = [{ names: ['page-frames'], run: async () => [await pageFrames()] }];

async function pageFrames() {
  const lab = await startLab({ TERRARIUM_PIDS: String(PROCESSES * 2) });
  const lesson = await openLesson(lab);
  try {
    const { page, terminal } = lesson;
    await page.getByRole('tab', { name: 'Processes' }).click();
    const rest = await framesPerSecond(page);
    terminal.type(
      `set +m; for i in $(seq ${PROCESSES}); do sleep 1000 & done 2>/dev/null; echo "all"-here\n`,
    );
    await terminal.until(/all-here/, 60_000);
    await page.waitForFunction(
      (wanted) =>
        document.querySelectorAll('[role=tree][aria-label=Processes] [role=treeitem]').length >=
        wanted,
      PROCESSES,
    );
    terminal.type(
      `clear; for i in $(seq 1000); do kill $(jobs -p | head -n ${CHURN}); for j in $(seq ${CHURN}); do sleep 1000 & done; sleep 0.1; done 2>/dev/null\n`,
    );
    const busy = await framesPerSecond(page);
    const main = await mainThreadShare(page);
    return row(
      'page-frames',
      'frames/s',
      busy,
      { 'the same page at rest': rest },
      `${PROCESSES} processes, ${CHURN} end and begin ten times a second; main thread ${Math.round(main * 100)} % busy; software rendering`,
    );
  } finally {
    await lesson.close();
    await lab.stop();
  }
}

/** One sample a second. */
function framesPerSecond(page) {
  return page.evaluate(
    (seconds) =>
      new Promise((resolve) => {
        const samples = [];
        let frames = 0;
        let begin = performance.now();
        const count = (now) => {
          frames += 1;
          if (now - begin >= 1000) {
            samples.push((frames * 1000) / (now - begin));
            frames = 0;
            begin = now;
          }
          if (samples.length === seconds) resolve(samples);
          else requestAnimationFrame(count);
        };
        requestAnimationFrame(count);
      }),
    SECONDS,
  );
}

/** Share of the wall time in which the page's main thread ran a task, over three seconds. */
async function mainThreadShare(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const taken = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration').value;
  };
  const [from, began] = [await taken(), performance.now()];
  await page.waitForTimeout(3000);
  return ((await taken()) - from) / ((performance.now() - began) / 1000);
}
