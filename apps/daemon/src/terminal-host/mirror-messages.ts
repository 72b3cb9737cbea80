/** What the terminal host and its mirror thread say to each other. `key` names a mirror. */

import type { Osc133 } from './shell-marks.js';

export type MirrorRequest =
  | { type: 'create'; key: number; cols: number; rows: number; origin: number }
  /** bytes that follow on those before; the buffer is the mirror's from then on */
  | { type: 'write'; key: number; bytes: Uint8Array }
  | { type: 'resize'; key: number; cols: number; rows: number }
  | { type: 'restore'; key: number; request: number }
  | { type: 'dispose'; key: number };

export type MirrorReply =
  /** all output before offset is on the mirror's screen, or will be when that is asked for */
  | { type: 'taken'; key: number; offset: number }
  /** what a terminal says to the program that asked: goes to the pty */
  | { type: 'answer'; key: number; data: string }
  /** a shell printed a mark */
  | { type: 'mark'; key: number; osc: Osc133 }
  | {
      type: 'restored';
      key: number;
      request: number;
      /** the screen may be continued from here */
      ground: number;
      /** what the screen has drawn */
      offset: number;
      screen: Uint8Array;
    };
