/**
 * Namespaces, mounts and cgroups need root. npm drops to the folder's owner even under sudo, so
 * the script itself asks for what it needs, and says why.
 */
import { spawnSync } from 'node:child_process';
import { OPTIONS } from './paths.mjs';

/** Returns when this process is root; otherwise runs itself again under sudo and exits with its status. */
export function becomeRoot(script, argv) {
  if (process.getuid() === 0) return;
  const keep = OPTIONS.map((option) => option.env).filter(
    (name) => process.env[name] !== undefined,
  );
  const sudo = spawnSync('sudo', ['--version'], { stdio: 'ignore' });
  if (sudo.error) {
    console.error(
      'terrarium: needs root to make namespaces, mounts and cgroups, and there is no sudo here: run `npm start` as root',
    );
    process.exit(77);
  }
  console.error(
    'terrarium: sandboxes are real namespaces, mounts and cgroups, which only root may make; asking sudo',
  );
  const environment = ['CI', ...keep]
    .filter((name) => process.env[name] !== undefined)
    .map((name) => `${name}=${process.env[name]}`);
  const again = spawnSync('sudo', [...environment, process.execPath, script, ...argv], {
    stdio: 'inherit',
  });
  process.exit(again.status ?? 1);
}
