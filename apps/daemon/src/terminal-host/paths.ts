/** What the terminal host puts into the RUN directory. */

/** WebSockets of pages, forwarded by the web process; mode 0660. */
export const TERMINAL_SOCKET = 'terminals.sock';
/** The daemon's requests; mode 0600. */
export const CONTROL_SOCKET = 'terminals-control.sock';
/** Held with flock(2) by the one terminal host of this directory. */
export const LOCK_FILE = 'terminals.lock';
/** Standard output and error of the terminal host. */
export const LOG_FILE = 'terminals.log';
