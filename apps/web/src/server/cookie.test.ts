import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { adoptCookie, readSession } from './cookie.js';
import { chooseLanguage } from './language.js';

describe('readSession', () => {
  const token = 'A-_9'.repeat(10);
  it('finds the session among other cookies', () => {
    expect(readSession(`a=b; terrarium_session=${token}; c=d`)).toBe(token);
  });
  it.each([
    undefined,
    '',
    'terrarium_session=',
    'terrarium_session=short',
    `xterrarium_session=${'a'.repeat(40)}`,
    `terrarium_session=${'a'.repeat(40)}\r\nx: y`,
  ])('takes %j for none', (header) => {
    expect(readSession(header)).toBeNull();
  });
});

describe('adoptCookie', () => {
  const adopted = (cookie: string): string | undefined => {
    const request = { headers: { cookie }, rawHeaders: ['Host', 'x', 'Cookie', cookie] };
    adoptCookie(request as unknown as IncomingMessage, 3000);
    expect(request.rawHeaders[3]).toBe(request.headers.cookie);
    return request.headers.cookie;
  };
  it('takes the cookie of its own port and leaves the other labs’ out', () => {
    expect(adopted('a=b; terrarium_session_3001=other; terrarium_session_3000=mine')).toBe(
      'a=b; terrarium_session=mine',
    );
  });
  it('keeps what is nobody’s session', () => {
    expect(adopted('terrarium_lang=zh')).toBe('terrarium_lang=zh');
  });
});

describe('chooseLanguage', () => {
  it.each([
    [undefined, undefined, 'en'],
    [undefined, 'zh-CN,zh;q=0.9,en;q=0.8', 'zh'],
    [undefined, 'de-DE,de;q=0.9,zh;q=0.7,en;q=0.6', 'zh'],
    [undefined, 'en;q=0.4, zh;q=0.3', 'en'],
    [undefined, 'zh;q=0, en', 'en'],
    [undefined, 'fr', 'en'],
    ['terrarium_lang=zh', 'en', 'zh'],
    ['x=1; terrarium_lang=en; y=2', 'zh', 'en'],
    ['terrarium_lang=fr', 'zh', 'zh'],
  ] as const)('cookie %j and %j give %s', (cookie, accept, language) => {
    expect(chooseLanguage(cookie, accept)).toBe(language);
  });
});
