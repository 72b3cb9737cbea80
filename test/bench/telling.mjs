/**
 * A sandbox in which every view has something to tell: a container with a wire to it, groups with limits that
 * bite, an overlay with copied and hidden files, a mount that fails on the tape. For pictures and the eye's tests.
 */
import fs from 'node:fs';

/** How long one thing may take to be seen: a bound for what never comes, not a measure. */
const PATIENCE_MS = 60_000;

/** Views in the order of their tabs, which is the same in every language. */
export const VIEWS = Object.freeze([
  'processes',
  'namespaces',
  'mounts',
  'cgroups',
  'layers',
  'network',
  'calls',
  'commands',
  'stepper',
]);

const isV2 = fs.existsSync('/sys/fs/cgroup/cgroup.controllers');

const GROUPS_V1 = [
  'cd /sys/fs/cgroup; mkdir -p {memory,pids,cpu,cpuacct}/shop/{web,job}',
  'echo 64M > memory/shop/memory.limit_in_bytes; echo 16M > memory/shop/job/memory.limit_in_bytes',
  'echo 20 > pids/shop/pids.max; echo 20000 > cpu/shop/web/cpu.cfs_quota_us',
  "sh -c 'for c in memory pids cpu cpuacct; do echo 0 > $c/shop/web/cgroup.procs; done; exec yes > /dev/null' &",
];
const GROUPS_V2 = [
  'cd /sys/fs/cgroup; mkdir -p shop; echo +memory +pids +cpu > shop/cgroup.subtree_control; mkdir shop/web shop/job',
  'echo 64M > shop/memory.max; echo 16M > shop/job/memory.max',
  'echo 20 > shop/pids.max; echo 20000 100000 > shop/web/cpu.max',
  "sh -c 'echo 0 > shop/web/cgroup.procs; exec yes > /dev/null' &",
];
const OOM = `sh -c 'echo 0 > ${isV2 ? '' : 'memory/'}shop/job/cgroup.procs; exec tail /dev/zero'`;

/** What is typed, and in which view which row says that it was seen. */
const ACTS = Object.freeze([
  {
    line: "unshare --fork --pid --mount-proc --net --uts sh -c 'hostname box; exec busybox httpd -f -p 8080' &",
    view: 'processes',
    row: /httpd/,
  },
  {
    line: 'ip link add v0 type veth peer name v1; ip link set v1 netns $(pgrep -x busybox)',
    view: 'network',
    row: /v1/,
  },
  {
    line: 'ip addr add 10.0.0.1/24 dev v0; ip link set v0 up; nsenter -n -t $(pgrep -x busybox) sh -c "ip addr add 10.0.0.2/24 dev v1; ip link set v1 up; ip link set lo up"',
    view: 'network',
    row: /10\.0\.0\.2/,
  },
  {
    line: 'cd /lab; mkdir a b u w c; echo one > a/bread; echo two > a/salt; echo three > b/wine; echo four > b/old',
    view: null,
  },
  {
    line: 'mount -t overlay demo -o userxattr,lowerdir=/lab/b:/lab/a,upperdir=/lab/u,workdir=/lab/w /lab/c',
    view: 'layers',
    row: /upper.*\/lab\/u/,
  },
  { line: 'echo more >> c/bread; rm c/old; echo new > c/fruit', view: 'layers', row: /fruit/ },
  ...(isV2 ? GROUPS_V2 : GROUPS_V1).map((line, at, all) =>
    at < all.length - 1 ? { line, view: null } : { line, view: 'cgroups', row: /web/ },
  ),
  { line: OOM, view: 'cgroups', row: /OOM/ },
  { line: 'cd /lab; mount -t tmpfs data /nowhere', view: 'calls', row: /nowhere.*ENOENT/s },
]);

/** A tab of the stage. @param {import('playwright-core').Page} page */
export function tabOf(page, view) {
  return page.locator('section.stage').getByRole('tab').nth(VIEWS.indexOf(view));
}

/** Rows of the view that is shown, whatever it is. @param {import('playwright-core').Page} page */
export function rowsOf(page) {
  const stage = page.locator('section.stage');
  return stage.getByRole('treeitem').or(stage.getByRole('row'));
}

/**
 * Does all of it by typing, each act only once the one before is seen on the page.
 *
 * @param {import('playwright-core').Page} page at a lesson, ready
 * @param {(line: string) => Promise<void>} type types a line and waits until the terminal is quiet
 */
export async function makeTelling(page, type) {
  await tabOf(page, 'calls').click();
  const tape = page.locator('section.stage').getByRole('switch');
  await tape.click();
  await page.locator('section.stage [role=switch][aria-checked=true]').waitFor();
  for (const { line, view, row } of ACTS) {
    await type(line);
    if (view === null) continue;
    await tabOf(page, view).click();
    await rowsOf(page).filter({ hasText: row }).first().waitFor({ timeout: PATIENCE_MS });
  }
}
