/**
 * Who may talk to this server. A page of another site can make the learner's browser send
 * requests here (and, by DNS rebinding, even read the answers), and behind these requests is a
 * root shell in a sandbox. Two checks stop that: the Host must be a name of ours, and whatever
 * changes something or opens a socket must come from a page of ours.
 */
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Names under which a server on this machine is always reachable. */
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/** Addresses that mean "all interfaces". */
const WILDCARD = new Set(['0.0.0.0', '::', '']);

/**
 * Lists the Host header values that are this server. Behind a wildcard address those are the
 * machine's own addresses: an address is safe, since rebinding needs a name.
 */
export function allowedHosts(
  host: string,
  port: number,
  addresses: readonly string[] = machineAddresses(),
): ReadonlySet<string> {
  const names = WILDCARD.has(host)
    ? [...LOOPBACK, ...addresses.map(bracket)]
    : [...LOOPBACK, bracket(host)];
  const allowed = new Set<string>();
  for (const name of names) {
    allowed.add(`${name.toLowerCase()}:${port}`);
    // Browsers leave the default port away.
    if (port === 80) allowed.add(name.toLowerCase());
  }
  return allowed;
}

function machineAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((rows) =>
    (rows ?? []).map((row) => row.address),
  );
}

function bracket(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address;
}

/** Tells whether the request names this server. A request without a Host does not. */
export function isAllowedHost(header: string | undefined, allowed: ReadonlySet<string>): boolean {
  return header !== undefined && allowed.has(header.toLowerCase());
}

/**
 * Tells whether the request was made by a page of this server: its Origin's host is the Host it
 * was sent to. Browsers always send Origin on WebSocket upgrades and on every method but GET and
 * HEAD; whoever sends none is no browser, and has no business here either.
 */
export function isSameOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined || host === undefined) return false;
  const url = URL.canParse(origin) ? new URL(origin) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return false;
  return url.host === host.toLowerCase();
}
