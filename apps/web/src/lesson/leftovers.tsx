'use client';
/**
 * Who comes from another lesson may still stand in what it built (a shell in a container, a mount over
 * /proc): this lesson's own words would not fit. So they are offered a fresh sandbox, and not given one.
 */
import type { Lesson } from '@terrarium/lesson';
import { useEffect, useRef, useState } from 'react';
import { useTexts } from '../i18n/use-texts';
import { useLabPart, useLabStore, usePreferences } from '../live/use-lab';
import { FreshSandboxDialog } from './reset-dialog';

/** @param props.begun something of this lesson is done already */
export function Leftovers(props: { readonly lesson: Lesson; readonly begun: boolean }) {
  const { lesson, begun } = props;
  const { t } = useTexts();
  const store = useLabStore();
  const { preferences } = usePreferences();
  // As it was when this page was opened: the page itself becomes the last lesson in a moment.
  const cameFrom = useRef(preferences.last).current;
  const known = useLabPart((lab) => lab.steps !== null && lab.state.sandbox !== null);
  const used = useLabPart((lab) => Object.keys(lab.state.commands ?? {}).length > 0);
  const [asks, ask] = useState<boolean | null>(null);
  useEffect(() => {
    const comes = cameFrom !== undefined && cameFrom !== null && cameFrom !== lesson.id;
    // Decided once: what the learner does here from now on is no leftover.
    if (known) ask((before) => before ?? (comes && used && !begun));
  }, [known, used, begun, cameFrom, lesson.id]);
  const first = lesson.steps[0];
  if (asks !== true || first === undefined) return null;
  return (
    <aside className="ahead">
      <p>{t.lesson.leftovers}</p>
      <FreshSandboxDialog
        trigger={t.lesson.freshSandbox}
        title={t.lesson.freshTitle}
        body={t.lesson.freshBody}
        keep={t.step.cancel}
        confirm={t.lesson.freshSandbox}
        onConfirm={() => {
          store.send({ type: 'step.reset', lesson: lesson.id, step: first.id });
          ask(false);
        }}
      />
    </aside>
  );
}
