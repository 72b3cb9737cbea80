'use client';
/** The strip at the bottom: the kernel's last minute, and in words what just changed. */
import { ChangesFeed, TimelineStrip } from '@terrarium/views';
import { useTexts } from '../i18n/use-texts';
import { useLabPart } from '../live/use-lab';

/** Ticks by lane, and the feed. */
export function Bottom() {
  const { lang } = useTexts();
  const state = useLabPart((lab) => lab.state);
  const events = useLabPart((lab) => lab.recent);
  return (
    <footer className="bottom">
      <TimelineStrip events={events} lang={lang} state={state} />
      <ChangesFeed state={state} lang={lang} />
    </footer>
  );
}
