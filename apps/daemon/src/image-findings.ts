/** What the base image offers beside programs, as findings: a lesson may require it by its id. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Finding } from '@terrarium/engine';

/** What the command `vm` cannot do without; each was left out of images of some machines. */
const VM_PARTS = ['images/vm/vmlinuz', 'usr/local/bin/vm', 'usr/bin/qemu-system-x86_64'];

/**
 * Looks into a base image.
 *
 * @param image the image's directory, as sandboxes get it
 */
export function imageFindings(image: string): Finding[] {
  const lacking = VM_PARTS.find((part) => !existsSync(join(image, part)));
  if (lacking === undefined) {
    const found = { en: 'a virtual machine in the image', zh: '镜像里有虚拟机' };
    return [{ id: 'image.vm', level: 'ok', found }];
  }
  const found = {
    en: `the sandbox's image has no virtual machine: /${lacking} is missing`,
    zh: `沙箱的镜像里没有虚拟机：缺少 /${lacking}`,
  };
  return [{ id: 'image.vm', level: 'reduced', found }];
}
