/**
 * `npm run bench -- --json FILE [--only NAME,NAME]`: measures beside peers in the same run and
 * prints a table. Peers that are missing are named, not invented.
 */
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BENCHES } from '../test/bench/index.mjs';
import { becomeRoot } from './setup/become-root.mjs';
import { setUp } from './setup/main.mjs';
import { readSettings } from './setup/paths.mjs';

async function main() {
  const argv = process.argv.slice(2);
  const { settings, values } = readSettings(argv, {
    json: { type: 'string' },
    only: { type: 'string' },
  });
  if (values.help) {
    console.log(
      `Usage: npm run bench -- [--json FILE] [--only NAME,NAME]\n\nNames:\n${BENCHES.flatMap(
        (bench) => bench.names,
      )
        .map((name) => `  ${name}`)
        .join('\n')}`,
    );
    return;
  }
  const only = values.only?.split(',');
  const unknown =
    only?.filter((name) => !BENCHES.some((bench) => bench.names.includes(name))) ?? [];
  if (unknown.length > 0)
    throw new Error(`--only ${unknown.join(',')}: no such benchmark; --help lists them`);
  becomeRoot(fileURLToPath(import.meta.url), argv);
  setUp(settings, true);
  const rows = [];
  for (const bench of BENCHES) {
    const wanted = bench.names.filter((name) => only === undefined || only.includes(name));
    if (wanted.length === 0) continue;
    console.log(`measuring ${wanted.join(', ')} …`);
    for (const result of await bench.run(wanted)) {
      rows.push(result);
      print(result);
    }
    if (values.json) fs.writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  }
}

function print(result) {
  console.log(
    `  ${result.name}: p50 ${result.p50} ${result.unit}, p95 ${result.p95}, p99 ${result.p99} (${result.samples} samples)${result.note ? `; ${result.note}` : ''}`,
  );
  for (const peer of result.peers ?? [])
    console.log(
      `    beside ${peer.name}: p50 ${peer.p50} ${result.unit}, ours / peer = ${peer.ratio}`,
    );
}

main().catch((error) => {
  console.error(`terrarium: ${error.message}`);
  process.exit(1);
});
