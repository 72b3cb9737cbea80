import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { NamespaceGlyph, NamespaceRing } from './glyphs.js';
import { KIND_FACTS, KINDS } from './kinds.js';
import { RING_PATTERNS } from './rings.js';

describe('the visual language', () => {
  it('has one glyph, letter and flag for each kind, no two the same', () => {
    const glyphs = KINDS.map((kind) => renderToStaticMarkup(<NamespaceGlyph kind={kind} />));
    expect(new Set(glyphs).size).toBe(8);
    expect(new Set(KINDS.map((kind) => KIND_FACTS[kind].letter)).size).toBe(8);
    expect(new Set(KINDS.map((kind) => KIND_FACTS[kind].flag)).size).toBe(8);
  });

  it('draws six patterns that differ without colour', () => {
    const rings = RING_PATTERNS.map((pattern) =>
      renderToStaticMarkup(<NamespaceRing kind="pid" pattern={pattern} />).replace(
        /data-pattern="[^"]+"/,
        '',
      ),
    );
    expect(new Set(rings).size).toBe(RING_PATTERNS.length);
  });

  it('gives the sandbox’s own no hue', () => {
    expect(renderToStaticMarkup(<NamespaceRing kind="pid" pattern={null} />)).not.toContain(
      'data-kind',
    );
  });

  it('is decoration without a title, and an image with one', () => {
    expect(renderToStaticMarkup(<NamespaceGlyph kind="net" />)).toContain('aria-hidden="true"');
    const named = renderToStaticMarkup(<NamespaceGlyph kind="net" title="network" />);
    expect(named).toContain('role="img"');
    expect(named).toContain('aria-label="network"');
  });
});
