/** What a transcript keeps of what terminals print. */
import { describe, expect, it } from 'vitest';
import { plain, Transcript } from './transcript.js';

describe('transcript', () => {
  it('keeps what can be read of a terminal', () => {
    const prompt = '\x1b]133;D;0;at=1.5;pid=1\x07\x1b[38;5;65mlab\x1b[0m:~# \x1b]133;B\x07';
    expect(plain(`${prompt}ls\r\n\x1b[?2004la  b\r\n`)).toBe('lab:~# ls\na  b\n');
    expect(plain('lx\x08s\x07')).toBe('ls');
  });

  it('has findings between the lines that were printed, and joins cut sequences', () => {
    const transcript = new Transcript();
    transcript.printed('a\r\n\x1b[3');
    transcript.printed('1mb\r\n');
    transcript.said('ok one is red before');
    transcript.printed('c');
    expect(transcript.text()).toBe('a\nb\n# ok one is red before\nc\n');
  });
});
