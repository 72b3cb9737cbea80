/**
 * Keeps an emulator from answering terminal queries, because the host answers them (see
 * terminal-frames.ts). Installed on the page's xterm.js; needs only its `parser`.
 */

interface Disposable {
  dispose(): void;
}
interface FunctionId {
  readonly prefix?: string;
  readonly intermediates?: string;
  readonly final: string;
}

/** The part of xterm's `Terminal.parser` that is used. */
export interface QueryParser {
  registerCsiHandler(
    id: FunctionId,
    handler: (params: (number | number[])[]) => boolean | Promise<boolean>,
  ): Disposable;
  registerDcsHandler(
    id: FunctionId,
    handler: (data: string, params: (number | number[])[]) => boolean | Promise<boolean>,
  ): Disposable;
  registerOscHandler(id: number, handler: (data: string) => boolean | Promise<boolean>): Disposable;
}

/** Queries that xterm.js would answer, and nothing else: device attributes, status, modes, version. */
const CSI_QUERIES: readonly FunctionId[] = [
  { final: 'c' }, // DA1
  { prefix: '>', final: 'c' }, // DA2
  { prefix: '=', final: 'c' }, // DA3
  { final: 'n' }, // DSR, CPR
  { prefix: '?', final: 'n' }, // DECXCPR, colour scheme
  { intermediates: '$', final: 'p' }, // DECRQM
  { prefix: '?', intermediates: '$', final: 'p' },
  { prefix: '>', final: 'q' }, // XTVERSION
];
/** Palette, foreground, background, cursor: `OSC 10 ; ? ST` asks, anything else sets. */
const COLOUR_OSC: readonly number[] = [4, 10, 11, 12];

/** Makes the emulator silent. Dispose to let it answer again. */
export function silenceQueries(parser: QueryParser): Disposable {
  const handlers = [
    ...CSI_QUERIES.map((id) => parser.registerCsiHandler(id, () => true)),
    // Window reports: of `CSI Ps t` only the asking ones (11 and up) are swallowed.
    parser.registerCsiHandler({ final: 't' }, (params) => Number(params[0]) >= 11),
    parser.registerDcsHandler({ intermediates: '$', final: 'q' }, () => true), // DECRQSS
    ...COLOUR_OSC.map((id) => parser.registerOscHandler(id, (data) => data.includes('?'))),
  ];
  return {
    dispose: () => {
      for (const handler of handlers) handler.dispose();
    },
  };
}
