import { describe, expect, it } from 'vitest';
import { runtimeConfig } from './runtime-config.js';

const minimal = {
  ociVersion: '1.3.0',
  root: { path: 'rootfs' },
  process: { user: { uid: 0, gid: 0 }, args: ['/bin/sh'], cwd: '/' },
};

describe('runtimeConfig', () => {
  it('takes the smallest config that a runtime must take', () => {
    expect(runtimeConfig.parse(minimal)).toEqual(minimal);
  });

  it('keeps fields that it does not know', () => {
    const parsed = runtimeConfig.parse({ ...minimal, linux: { fromTheFuture: 1 } });
    expect(parsed.linux).toEqual({ fromTheFuture: 1 });
  });

  it('refuses a relative cwd: "This value MUST be an absolute path"', () => {
    const config = { ...minimal, process: { ...minimal.process, cwd: 'tmp' } };
    expect(runtimeConfig.safeParse(config).success).toBe(false);
  });

  it('refuses a namespace type that does not exist', () => {
    const config = { ...minimal, linux: { namespaces: [{ type: 'mnt' }] } };
    expect(runtimeConfig.safeParse(config).success).toBe(false);
  });
});
