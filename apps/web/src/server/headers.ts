/**
 * Security headers of every answer. The policy allows this server and nothing else.
 */
import type { ServerResponse } from 'node:http';

/**
 * Writes the Content-Security-Policy of one page.
 *
 * Scripts run only with this answer's nonce (Next reads it from the policy that it finds in the
 * request's headers, and puts it on its own). Styles need 'unsafe-inline': xterm.js makes a style
 * element per terminal and React writes style attributes for the panels' sizes, neither can carry
 * a nonce; without script there is nothing an injected style could read or send anywhere, since
 * every source of images and fonts is 'self'.
 * Sockets are named by host because Safari before 15.4 does not count ws: under 'self'.
 */
export function contentSecurityPolicy(nonce: string, host: string): string {
  return [
    `default-src 'none'`,
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'unsafe-inline'`,
    `font-src 'self'`,
    `img-src 'self' data:`,
    `connect-src 'self' ws://${host} wss://${host}`,
    `manifest-src 'self'`,
    `base-uri 'none'`,
    `form-action 'self'`,
    `frame-ancestors 'none'`,
  ].join('; ');
}

/** Sets what every answer carries, pages and assets alike. */
export function setSecurityHeaders(response: ServerResponse, policy: string): void {
  response.setHeader('Content-Security-Policy', policy);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('X-Frame-Options', 'DENY');
  // The link carries a token in its query; no other server may ever see it.
  response.setHeader('Referrer-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  response.setHeader(
    'Permissions-Policy',
    'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
  );
}
