import { describe, expect, it } from 'vitest';
import { allowedHosts, isSameOrigin } from './origin.js';

describe('allowedHosts', () => {
  it('is the configured host and the loopback names, each with the port', () => {
    expect([...allowedHosts('lab.example', 3000)].sort()).toEqual([
      '127.0.0.1:3000',
      '[::1]:3000',
      'lab.example:3000',
      'localhost:3000',
    ]);
  });

  it('is the machine’s own addresses behind a wildcard, and no name', () => {
    const hosts = allowedHosts('0.0.0.0', 3000, ['192.0.2.7', 'fe80::1']);
    expect(hosts).toContain('192.0.2.7:3000');
    expect(hosts).toContain('[fe80::1]:3000');
    expect(hosts).not.toContain('0.0.0.0:3000');
  });

  it('leaves the port away where browsers do', () => {
    expect(allowedHosts('lab.example', 80)).toContain('lab.example');
  });
});

describe('isSameOrigin', () => {
  it('compares host and port, not the scheme: there may be a TLS proxy in front', () => {
    expect(isSameOrigin('https://lab.example', 'lab.example')).toBe(true);
    expect(isSameOrigin('http://lab.example:3000', 'lab.example:3000')).toBe(true);
    expect(isSameOrigin('http://lab.example:3001', 'lab.example:3000')).toBe(false);
  });

  it.each(['null', '', 'file://', 'lab.example:3000', 'chrome-extension://lab.example:3000'])(
    'is false for the origin %j',
    (origin) => {
      expect(isSameOrigin(origin, 'lab.example:3000')).toBe(false);
    },
  );
});
