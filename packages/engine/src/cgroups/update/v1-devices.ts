/**
 * From one v1 device list to another without a moment in which all is allowed. Pure.
 *
 * devices.list shows `a *:* rwm` while everything is allowed, else a line an exception. Writing
 * `a` starts over, but not once a group has children (EINVAL); so a list that stays "deny by
 * default" is changed exception by exception.
 */
import type { LinuxDeviceCgroup } from '@terrarium/spec';
import { deviceRules, v1DeviceWrites } from '../devices/rules.js';
import type { LimitWrite } from '../types.js';

/** The writes that turn what devices.list says into what the rules come to. */
export function v1DeviceTransition(
  list: string,
  rules: readonly LinuxDeviceCgroup[],
): LimitWrite[] {
  const wanted = exceptions(rules);
  const current = new Set(list.split('\n').filter((line) => line !== ''));
  if (wanted === null || current.has('a *:* rwm')) return v1DeviceWrites(rules);
  return [
    ...[...current].filter((line) => !wanted.has(line)).map((line) => write('devices.deny', line)),
    ...[...wanted].filter((line) => !current.has(line)).map((line) => write('devices.allow', line)),
  ];
}

/** What devices.list will show: null when the rules do not deny by default. */
function exceptions(rules: readonly LinuxDeviceCgroup[]): Set<string> | null {
  let byDevice: Map<string, Set<string>> | null = null;
  for (const { allow, type, major, minor, access } of deviceRules(rules)) {
    if (type === 'a') {
      byDevice = allow ? null : new Map();
    } else if (byDevice !== null) {
      const device = `${type} ${major ?? '*'}:${minor ?? '*'}`;
      const letters: Set<string> = byDevice.get(device) ?? new Set();
      for (const letter of access) allow ? letters.add(letter) : letters.delete(letter);
      byDevice.set(device, letters);
    }
  }
  if (byDevice === null) return null;
  const lines = [...byDevice].filter(([, letters]) => letters.size > 0);
  return new Set(lines.map(([device, letters]) => `${device} ${inOrder(letters)}`));
}

function inOrder(letters: ReadonlySet<string>): string {
  return [...'rwm'].filter((letter) => letters.has(letter)).join('');
}

function write(file: string, value: string): LimitWrite {
  return { file, value, optional: false, field: 'linux.resources.devices' };
}
