/** What both panes of Layers are given: the stack and the merged directory. */
import type { OverlayState } from '@terrarium/timeline';
import type { Lang } from '../strings.js';
import type { Look } from '../use-hover-intent.js';

/** @typeParam Row what the pane's tree is made of */
export interface PaneProps<Row> {
  readonly overlay: OverlayState;
  readonly rows: readonly Row[];
  readonly lang: Lang;
  readonly selected: string | null;
  readonly looked: string | null;
  /** of the row that is looked at: its namesakes in other layers light up */
  readonly lookedPath: string | null;
  readonly onLook: Look<string>;
  readonly onChoose: (id: string) => void;
  readonly onToggle: (id: string, open: boolean) => void;
}
