/**
 * Loads the emulator's width tables in Node, where @xterm/addon-unicode-graphemes 0.4 fails by
 * chance: it reads its data from the start of a Buffer's memory, and a small Buffer lies somewhere
 * in Node's shared pool. Without the pool, which is per thread, every Buffer starts its memory.
 */

const { poolSize } = Buffer;
Buffer.poolSize = 0;
const { default: addon } = await import('@xterm/addon-unicode-graphemes');
Buffer.poolSize = poolSize;

/** Load into an emulator to have the same widths as on the page. */
export const { UnicodeGraphemesAddon } = addon;
