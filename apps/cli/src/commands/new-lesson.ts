/**
 * What `terrarium lesson new` writes: a small lesson that loads and works, with every part in its place.
 * Once its prose is written, `terrarium lesson lint` has nothing to say.
 */

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
    predict:
      kind: choice
      choices: [shell, init]
      actual:
        of: p
        field: parent.sandboxPid
        cases:
          - { equals: 1, answer: init }
          - { atLeast: 2, answer: shell }
    check:
      - id: running
        exists: { process: p }
        where:
          - { field: p.comm, equals: sleep }
    wrong:
      - name: looks-only
        commands: [ps -e]
        clause: running

  - id: break-it
    view: processes
    breakIt: true
    setup: # typed by Reset step: leads to where this step begins
      - sleep 1000 &
    commands:
      - kill -STOP $!
    check:
      - id: stopped
        exists: { process: p }
        where:
          - { field: p.comm, equals: sleep }
          - { field: p.state, equals: T }
    wrong:
      - name: ends-it
        commands: [kill $!]
        clause: stopped
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

### question

${sentence}

### choices

- shell: ${sentence}
- init: ${sentence}

### explain

${sentence}

### messages

- running: ${sentence}

### hint

${sentence}

## ${title} {#break-it}

${sentence}

### look

${sentence}

### messages

- stopped: ${sentence}

### hint

${sentence}

## ${title} {#deeper}

- clone: ${sentence}
`;
}
