import { describe, expect, it } from 'vitest';
import { CAPABILITIES, capabilityNames, missingCapabilities } from './capabilities.js';

describe('capabilityNames', () => {
  it('names the bits, and knows all 41 of Linux 5.9 and later', () => {
    expect(capabilityNames('0000000000000000')).toEqual([]);
    expect(capabilityNames('0000000000200001')).toEqual(['chown', 'sys_admin']);
    expect(capabilityNames('000001ffffffffff')).toEqual([...CAPABILITIES]);
    expect(capabilityNames('8000000000000000')).toEqual(['63']);
  });

  it('says which are missing', () => {
    expect(missingCapabilities('000001fffeffffff')).toEqual(['sys_resource']);
  });
});
