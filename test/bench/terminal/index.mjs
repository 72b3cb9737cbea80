/** The terminal benchmarks by name; each returns one BenchResult. */
export { terminalInterrupt } from './interrupt.mjs';
export { keyEcho, keyEchoBusy } from './key-echo.mjs';
export { terminalThroughput } from './throughput.mjs';
