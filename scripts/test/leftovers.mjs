/**
 * What a test run could leave behind: mounts, cgroups, network links, named network namespaces and
 * processes of ours in the kernel, and temporary files. Compared before and after a run.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ROOT } from '../setup/paths.mjs';

/** How the names begin that tests and benches give to temporary files and folders. */
const OUR_FILES =
  /^(terrarium|otest|observer?|overlays|player|cgroups?|engine|container|linux|trace-pipe|lesson|claims|figure|image-findings|errno-hints)-/;

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
    file: new Set(temporaryFiles()),
  };
}

/** One sentence for each object that is there now and was not before. */
export function leftovers(before, after = kernelObjects()) {
  return Object.keys(after).flatMap((kind) =>
    [...after[kind]]
      .filter((name) => !before[kind].has(name))
      .filter((name) => !mayBeForeign(kind, name))
      .map((name) => `${kind} ${name}`),
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
  return entries(root)
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => {
      const place = path.join(root, entry.name);
      return [place, ...folders(place, depth - 1)];
    });
}

function entries(folder) {
  try {
    return fs.readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // removed since its name was read: other programs of this machine have groups, too
  }
}

/** Temporary files and folders by the names that tests and benches give theirs. */
function temporaryFiles() {
  return list(os.tmpdir())
    .filter((name) => OUR_FILES.test(name))
    .map((name) => path.join(os.tmpdir(), name));
}

/** Processes that only Terrarium makes: the player by its binary, the rest by their script. */
function ours() {
  return list('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const line = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
      const exe = link(`/proc/${pid}/exe`);
      const isOurs =
        /^\/memfd:terrarium-player-/.test(exe) ||
        /apps\/(daemon|web)\/dist|chromium.*--headless/.test(line);
      return isOurs && !isForeign(pid) ? [`${pid} ${line.slice(0, 100)}`] : [];
    });
}

/** What this checkout's players run from: native/player.c names its copy in memory by the path's hash. */
const PLAYERS = ['player', 'player-asan'].map((file) => {
  const bytes = Buffer.from(path.join(ROOT, 'packages/syscall/build', file));
  const hash = bytes.reduce((sum, byte) => Math.imul(sum ^ byte, 16777619) >>> 0, 2166136261);
  return `/memfd:terrarium-player-${hash.toString(16).padStart(8, '0')} (deleted)`;
});

/** True for a part of a lab that runs from another checkout at the same time: none of ours to judge. */
function isForeign(pid) {
  const exe = link(`/proc/${pid}/exe`);
  if (exe.startsWith('/memfd:terrarium-player-')) return !PLAYERS.includes(exe);
  const places = [link(`/proc/${pid}/exe`), link(`/proc/${pid}/cwd`), read(`/proc/${pid}/cmdline`)];
  const named = places.flatMap((text) => text.match(/\/[^\0 ]*(?=\/(?:apps|packages)\/)/) ?? []);
  return named.length > 0 && !named.includes(ROOT);
}

/** What another checkout's running lab may have made meanwhile: it is not this run's to answer for. */
function mayBeForeign(kind, name) {
  if (kind === 'cgroup') return isForeignGroup(name);
  return /terrarium/.test(name) && kind !== 'link' && foreignLabRuns();
}

/**
 * Groups that processes of another checkout's lab are in, or may be in while such a lab runs; and what
 * a service manager makes meanwhile below its own groups. Tests make theirs below a hierarchy's root.
 */
function isForeignGroup(place) {
  const isBelowRoot = cgroupRoots().includes(path.dirname(place));
  if (!isBelowRoot && !/\/(terrarium|otest)[^/]*/.test(place)) return true;
  const instance = /^(.*\/terrarium[^/]*)(\/|$)/.exec(place)?.[1];
  if (instance === undefined) return false;
  const pids = [instance, ...folders(instance, 3)].flatMap((group) =>
    read(`${group}/cgroup.procs`).split('\n').filter(Boolean),
  );
  return pids.length > 0 ? pids.some(isForeign) : foreignLabRuns();
}

function foreignLabRuns() {
  return list('/proc').some(
    (name) =>
      /^\d+$/.test(name) &&
      /apps\/daemon\/dist/.test(read(`/proc/${name}/cmdline`)) &&
      isForeign(name),
  );
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
