/**
 * The guest's part of the set-up of `npm test`: what is fetched and made once. Without a mirror
 * each step says what is left out, and the `guest` suite is skipped naming it.
 */
import fs from 'node:fs';
import { currentImage } from '../setup/images.mjs';
import { haveFixedDisks, makeFixedDisks } from './disks.mjs';
import { guestFolder, guestLack } from './guest.mjs';
import { fetchKernel, guestKernel } from './kernel.mjs';
import { buildRootDisk, rootDisk } from './root.mjs';

/** @param settings by environment name, see setup/paths.mjs @returns steps as setup/progress.mjs runs them */
export function guestSteps(settings) {
  if (process.arch !== 'x64') return []; // the suite says so
  const folder = guestFolder(settings);
  return [
    {
      name: 'guest kernel',
      why: "Debian's linux-image-cloud-amd64, unpacked and not installed; 27 MB",
      done: () => guestKernel(folder) !== null,
      run: ({ run }) => orLeftOut(() => fetchKernel(folder, run)),
    },
    {
      name: 'guest root file system',
      why: "a small Debian of this machine's release, about 300 MB",
      done: () => fs.existsSync(rootDisk(folder)),
      run: ({ run }) =>
        orLeftOut(() => buildRootDisk(folder, { mirror: settings.TERRARIUM_MIRROR, run })),
    },
    {
      name: 'guest disks',
      why: 'Node, npm packages, kernel modules and the base image as ext4 files',
      done: () => guestLack(settings) === null && haveFixedDisks(...inputs(settings)),
      run: () =>
        orLeftOut(() => {
          const lack = guestLack(settings);
          if (lack !== null) throw new Error(`missing: ${lack}`);
          makeFixedDisks(...inputs(settings));
        }),
    },
  ];
}

const inputs = (settings) => [
  guestFolder(settings),
  guestKernel(guestFolder(settings)),
  currentImage(settings.TERRARIUM_IMAGES).path,
];

async function orLeftOut(work) {
  try {
    await work();
  } catch (error) {
    return `left out, the guest suite will be skipped: ${error.message}`;
  }
}
