/** What the daemon uses of the terminal host: its client, and how to find or start it. */

export { ControlRefusal, TerminalHostClient } from './control-client.js';
export type {
  HostEvent,
  HostStatus,
  SandboxRegistration,
  TerminalOpening,
  TerminalReport,
} from './control-protocol.js';
export { CONTROL_SOCKET, TERMINAL_SOCKET } from './paths.js';
export type { ShellMark, StartMark } from './shell-marks.js';
export { type EnsureOptions, ensureTerminalHost, type FoundHost } from './spawn.js';
