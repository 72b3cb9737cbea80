/**
 * Starts the guest in QEMU. With KVM when that really carries a guest, else by translation (TCG):
 * /dev/kvm may exist and yet never run a first instruction, so a small guest is tried first.
 */
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';

const BINARY = 'qemu-system-x86_64';
/** A working KVM has the kernel say something in a tenth of this. */
const SILENCE_MS = 4_000;
const MEMORY_MIB = 3072; // Node, vitest and the sandboxes, all of whose files lie in tmpfs
const CPUS = 2;

/** True when QEMU is installed. */
export function hasQemu() {
  return spawnSync(BINARY, ['--version'], { stdio: 'ignore' }).status === 0;
}

/**
 * Whether KVM runs this kernel: boots it with nothing to find and waits for its first words.
 *
 * @returns {Promise<'kvm' | 'tcg'>}
 */
export async function findAccelerator(vmlinuz) {
  if (!isOpenable('/dev/kvm')) return 'tcg';
  const child = spawn(
    BINARY,
    [
      ...machine('kvm', 1, 128),
      '-serial',
      'stdio',
      '-kernel',
      vmlinuz,
      '-append',
      'console=ttyS0 earlyprintk=serial panic=-1',
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const ended = new Promise((resolve) => child.once('close', resolve));
  const spoke = await new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), SILENCE_MS);
    const answer = (yes) => {
      clearTimeout(timer);
      resolve(yes);
    };
    let said = '';
    child.stdout.on('data', (chunk) => {
      said += chunk;
      if (said.includes('Linux version')) answer(true);
    });
    child.once('error', () => answer(false));
    child.once('close', () => answer(false));
  });
  child.kill('SIGKILL');
  await ended;
  return spoke ? 'kvm' : 'tcg';
}

function isOpenable(file) {
  try {
    fs.closeSync(fs.openSync(file, 'r+'));
    return true;
  } catch {
    return false;
  }
}

function machine(accelerator, cpus, memory) {
  return [
    ...[
      '-machine',
      'q35',
      '-accel',
      accelerator === 'tcg' ? 'tcg,thread=multi,tb-size=512' : 'kvm',
    ],
    ...['-cpu', accelerator === 'tcg' ? 'max' : 'host'],
    ...['-smp', String(cpus), '-m', String(memory)],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
  ];
}

/**
 * QEMU's arguments for one run of the guest.
 *
 * @param disks as makeDisks() gives them, plus `job`, the only one that is written
 */
export function guestArguments({ accelerator, kernel, disks, interactive }) {
  const drive = (file, index, readonly) => [
    ...[
      '-drive',
      `if=none,id=d${index},file=${file},format=raw,cache=unsafe,readonly=${readonly ? 'on' : 'off'}`,
    ],
    ...['-device', `virtio-blk-pci,drive=d${index}`],
  ];
  return [
    ...machine(accelerator, CPUS, MEMORY_MIB),
    ...['-serial', interactive ? 'mon:stdio' : 'stdio'],
    ...['-kernel', kernel.vmlinuz, '-initrd', disks.initramfs],
    ...['-append', 'console=ttyS0 quiet panic=-1 tsc=reliable no_timer_check cgroup_no_v1=all'],
    ...[disks.root, disks.machine, disks.checkout, disks.base].flatMap((file, index) =>
      drive(file, index, true),
    ),
    ...drive(disks.job, 4, false),
  ];
}

/** Starts QEMU, which ends with this process whatever ends that. @returns {import('node:child_process').ChildProcess} */
export function startQemu(args, options) {
  return spawn('setpriv', ['--pdeathsig', 'KILL', BINARY, ...args], options);
}
