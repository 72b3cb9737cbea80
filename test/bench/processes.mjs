/** What processes cost, read from /proc: CPU seconds and memory, for the lab's parts and for sandboxes. */
import fs from 'node:fs';

const TICKS = 100; // sysconf(_SC_CLK_TCK) on every Linux that Node runs on

/** Every descendant of a process, itself included. */
export function family(pid) {
  const children = new Map();
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = statOf(name);
    if (stat) children.set(stat.ppid, [...(children.get(stat.ppid) ?? []), Number(name)]);
  }
  const found = [];
  const visit = (one) => {
    found.push(one);
    for (const child of children.get(one) ?? []) visit(child);
  };
  visit(pid);
  return found;
}

/** User plus system time in seconds; 0 for a process that has ended. */
export function cpuSeconds(pid) {
  const stat = statOf(pid);
  return stat ? stat.ticks / TICKS : 0;
}

/** Proportional set size in MiB: memory shared with others counts by its share. */
export function pssMiB(pid) {
  const text = read(`/proc/${pid}/smaps_rollup`);
  return Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024;
}

/** Processes whose command line contains `text`. */
export function findProcesses(text) {
  return fs
    .readdirSync('/proc')
    .filter(
      (name) =>
        /^\d+$/.test(name) && read(`/proc/${name}/cmdline`).replaceAll('\0', ' ').includes(text),
    )
    .map(Number);
}

function statOf(pid) {
  const text = read(`/proc/${pid}/stat`);
  if (!text) return null;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { ppid: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return ''; // ended meanwhile
  }
}
