/** One walk of the daemon in the guest, without a browser: a learner's sandbox, shell and end. */
import { afterEach, expect, test } from 'vitest';
import { DaemonLab, until } from '../integration/daemon-lab.js';

let lab: DaemonLab;
afterEach(async (context) => {
  if (context.task.result?.state === 'fail') console.error(lab.log.slice(-6000));
  await lab.dispose();
});

test('a learner gets a sandbox and a shell, and the daemon’s end leaves nothing', async () => {
  lab = new DaemonLab();
  await lab.start();
  const learner = await lab.learner();
  await until('the shell is seen', () => learner.processes.some(({ terminal }) => terminal === 0));
  expect(await learner.console().run('tty; id -u')).toBe('/dev/pts/0\n0');
  expect(await lab.stop()).toBe(0);
  await until('nothing is left', () => lab.leftovers().length === 0);
});
