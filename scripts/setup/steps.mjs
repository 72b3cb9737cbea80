/**
 * The set-up as a list: what `npm start` and `npm test` need, in order, each step with the test
 * that it is done. Steps are idempotent and leave no half-made result, so an interrupted set-up
 * goes on where it was.
 */
import fs from 'node:fs';
import path from 'node:path';
import { guestSteps } from '../guest/steps.mjs';
import { installPackages, missingPackages, OPTIONAL_PACKAGES, START_PACKAGES } from './debian.mjs';
import { buildBusyboxImage, buildDebianImage, imagePaths } from './images.mjs';
import { folderOwner, ROOT } from './paths.mjs';
import { fingerprint, isStamped, stamp } from './stamp.mjs';

const at = (...parts) => path.join(ROOT, ...parts);
const STAMPS = at('node_modules/.terrarium');

/** A step whose result is described by a fingerprint of its inputs. */
function stamped({ name, why, inputs, outputs = [], run }) {
  const file = path.join(STAMPS, name.replace(/\W+/g, '-'));
  const value = () => fingerprint(inputs.map((place) => at(place)));
  return {
    name,
    why,
    done: () => outputs.every((place) => fs.existsSync(at(place))) && isStamped(file, value()),
    run: async (tools) => {
      const made = value();
      await run(tools);
      stamp(file, made);
    },
  };
}

const SOURCES = [
  'packages',
  'apps/daemon',
  'apps/cli',
  'apps/player',
  'tsconfig.json',
  'tsconfig.base.json',
];

/**
 * @param settings by environment name, see paths.mjs
 * @param packages Debian packages that must be installed
 * @param reduced list to which a sentence is added for each thing that could not be had
 */
export function setupSteps(settings, packages = START_PACKAGES, reduced = []) {
  const asOwner = folderOwner();
  const images = settings.TERRARIUM_IMAGES;
  return [
    {
      name: 'Debian packages',
      why: `${packages.join(', ')}`,
      done: () => missingPackages(packages).length === 0,
      run: async ({ run }) => {
        const missing = missingPackages(packages);
        try {
          await installPackages(missing, run);
        } catch (error) {
          const vital = missingPackages(packages).filter(
            (name) => !OPTIONAL_PACKAGES.includes(name),
          );
          if (vital.length > 0)
            throw new Error(
              `${error.message}; install ${vital.join(', ')} by hand, or give apt a mirror that answers`,
            );
          return `not all: ${error.message}`;
        }
        return missing.join(', ');
      },
    },
    stamped({
      name: 'npm packages',
      why: 'the libraries in package-lock.json',
      inputs: ['package-lock.json'],
      run: ({ run }) =>
        run('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit'], { cwd: ROOT, asOwner }),
    }),
    stamped({
      name: 'player',
      why: 'the small C program that executes plans',
      inputs: ['packages/syscall/native'],
      outputs: ['packages/syscall/build/player'],
      run: ({ run }) =>
        run(process.execPath, ['packages/syscall/native/build.mjs'], { cwd: ROOT, asOwner }),
    }),
    stamped({
      name: 'TypeScript',
      why: 'compiles packages, daemon and command line',
      inputs: SOURCES,
      outputs: ['apps/daemon/dist/main.js', 'apps/cli/dist/main.js'],
      run: ({ run }) => run('npx', ['tsc', '-b'], { cwd: ROOT, asOwner }),
    }),
    stamped({
      name: 'recording player',
      why: 'one page that plays a recording without a lab',
      inputs: ['apps/player', 'packages/timeline', 'packages/views'],
      outputs: ['apps/player/build/player.html'],
      run: ({ run }) =>
        run('npm', ['run', 'build', '-w', '@terrarium/player'], { cwd: ROOT, asOwner }),
    }),
    stamped({
      name: 'web page',
      why: 'next build',
      inputs: [
        'apps/web',
        'packages/timeline',
        'packages/protocol',
        'packages/lesson',
        'packages/views',
      ],
      outputs: ['apps/web/.next/BUILD_ID'],
      run: ({ run }) =>
        run('npm', ['run', 'build', '-w', '@terrarium/web'], {
          cwd: ROOT,
          asOwner,
          env: { NEXT_TELEMETRY_DISABLED: '1' },
        }),
    }),
    {
      name: 'busybox image',
      why: 'for nested containers, and for sandboxes when there is no mirror',
      done: () => fs.existsSync(imagePaths(images).busybox),
      run: async () => {
        if (fs.existsSync('/bin/busybox')) buildBusyboxImage(images);
        else return 'left out: no static busybox on this machine';
      },
    },
    {
      name: 'Debian 13 image',
      why: "the sandbox's own userland, about 200 MB",
      done: () => fs.existsSync(imagePaths(images).debian),
      run: async ({ run }) => {
        try {
          await buildDebianImage(images, { mirror: settings.TERRARIUM_MIRROR, run });
        } catch (error) {
          if (!fs.existsSync(imagePaths(images).busybox)) throw error;
          reduced.push('no Debian mirror answered');
          return `left out, sandboxes are busybox only: ${error.message}`;
        }
      },
    },
    ...(packages.includes('qemu-system-x86') ? guestSteps(settings) : []),
  ];
}
