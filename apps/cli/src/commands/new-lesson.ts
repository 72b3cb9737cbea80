/** What `terrarium lesson new` writes: a small lesson that loads, with every part in its place. */

/** File texts by name. */
export function newLessonFiles(): Record<'lesson.yaml' | 'en.md' | 'zh.md', string> {
  return { 'lesson.yaml': MACHINERY, 'en.md': prose(ENGLISH), 'zh.md': prose(CHINESE) };
}

const MACHINERY = `# yaml-language-server: $schema=../../lesson.schema.json
minutes: 20
requires: []

deeper:
  - { id: clone, kind: man, reference: clone(2) }

steps:
  - id: first-step
    view: processes
    commands:
      - sleep 1000 &
    check:
      - id: running
        exists: { process: p }
        where:
          - { field: p.comm, equals: sleep }
    wrong:
      - name: looks-only
        commands: [ps -e]
`;

interface Texts {
  readonly title: string;
  readonly sentence: string;
}
const ENGLISH: Texts = { title: 'Title', sentence: 'A sentence.' };
const CHINESE: Texts = { title: '标题', sentence: '一句话。' };

function prose({ title, sentence }: Texts): string {
  return `---
title: ${title}
summary: ${sentence}
objectives:
  - ${sentence}
---

${sentence}

## ${title} {#first-step}

${sentence}

### look

${sentence}

### messages

- running: ${sentence}

### hint

${sentence}

## ${title} {#deeper}

- clone: ${sentence}
`;
}
