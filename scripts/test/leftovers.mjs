/**
 * What the kernel holds that a test run could leave behind: mounts, cgroups, network links,
 * named network namespaces, and processes of ours. Compared before and after a run.
 */
import fs from 'node:fs';
import path from 'node:path';

/** @returns {Record<string, Set<string>>} by kind; each entry is one object, in words */
export function kernelObjects() {
  return {
    mount: new Set(
      read('/proc/self/mountinfo')
        .split('\n')
        .filter(Boolean)
        .map((row) => row.split(' ').slice(4, 5).join(' ')),
    ),
    cgroup: new Set(cgroupRoots().flatMap((root) => folders(root, 4))),
    link: new Set(list('/sys/class/net')),
    netns: new Set(list('/run/netns')),
    process: new Set(ours()),
    tracing: new Set(['/sys/kernel/tracing/instances'].flatMap(list)),
  };
}

/** One sentence for each object that is there now and was not before. */
export function leftovers(before, after = kernelObjects()) {
  return Object.keys(after).flatMap((kind) =>
    [...after[kind]].filter((name) => !before[kind].has(name)).map((name) => `${kind} ${name}`),
  );
}

function cgroupRoots() {
  return read('/proc/self/mountinfo')
    .split('\n')
    .filter((row) => / - cgroup2? /.test(row))
    .map((row) => row.split(' ')[4]);
}

function folders(root, depth) {
  if (depth === 0) return [];
  return fs
    .readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => {
      const place = path.join(root, entry.name);
      return [place, ...folders(place, depth - 1)];
    });
}

/** Processes that only Terrarium makes: the player by its binary, the rest by their script. */
function ours() {
  return list('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const line = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
      const exe = link(`/proc/${pid}/exe`);
      const isOurs =
        /syscall\/build\/player/.test(exe) ||
        /apps\/(daemon|web)\/dist|chromium.*--headless/.test(line);
      return isOurs ? [`${pid} ${line.slice(0, 100)}`] : [];
    });
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return ''; // the process ended between listing and reading
  }
}

function link(file) {
  try {
    return fs.readlinkSync(file);
  } catch {
    return ''; // ended, or a kernel thread
  }
}

function list(folder) {
  return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
}
