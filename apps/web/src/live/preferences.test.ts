import { describe, expect, it } from 'vitest';
import { parseLayouts, preferenceCookie, readPreferences } from './preferences';

describe('preferences', () => {
  it('come back from the cookie they were written to', () => {
    const layout = JSON.stringify({ columns: { reader: 38.5, work: 61.5 } });
    const [pair] = preferenceCookie('layout', layout).split(';');
    expect(readPreferences(`a=b; ${pair}`)).toEqual({ layout });
  });

  it('leave out what nobody asked for and what cannot be read', () => {
    expect(readPreferences('terrarium_session=x; terrarium_theme=%E0%A4%A; terrarium_x=1')).toEqual(
      {},
    );
  });

  it('take an unreadable layout for none', () => {
    for (const text of [
      undefined,
      '',
      '[',
      'null',
      '{"a":1}',
      '{"a":{"b":"c"}}',
      '{"a":{"b":200}}',
    ]) {
      expect(parseLayouts(text)).toEqual({});
    }
  });
});
