export { CallsView, type CallsViewProps } from './calls/calls-view.js';
export { CgroupsView } from './cgroups/cgroups-view.js';
export { changesBetween, summarise } from './changes.js';
export { ChangesFeed } from './changes-feed.js';
export { DiffView, type DiffViewProps } from './diff/diff-view.js';
export { spokenDiff, tellDiff } from './diff/tell.js';
export { advance, type Displayed, NOTHING_DISPLAYED, rowsOf, TOMBSTONE_MS } from './displayed.js';
export { DEMO_STATE, demoProcess, demoStateWith } from './fixture.js';
export * from './glyphs.js';
export { KIND_FACTS, namespaceName } from './kinds.js';
export { LayersView } from './layers/layers-view.js';
export * from './logo.js';
export { MountsView, type MountsViewProps } from './mounts-view.js';
export { NamespacesView, type NamespacesViewProps } from './namespaces-view.js';
export { NetworkView } from './network/network-view.js';
export { pidsText, sandboxPid, uidText } from './process-text.js';
export { ProcessesView, type ProcessesViewProps } from './processes-view.js';
export { RING_PATTERNS, type RingPattern, ringsOf } from './rings.js';
export {
  type ReplayBuffer,
  type ReplayEmulator,
  ScreenReplay,
  screenText,
} from './screen-replay.js';
export { agoText, clockTime, momentText } from './scrubber/moment.js';
export { Scrubber, type ScrubberProps } from './scrubber/scrubber.js';
export { type Track, trackOf } from './scrubber/track.js';
export { type Lang, type Strings, strings } from './strings.js';
export { type TerminalTheme, terminalTheme } from './terminal-theme.js';
export { useTombstones } from './use-tombstones.js';
export type { ViewProps } from './view-props.js';
