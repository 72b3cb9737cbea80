'use client';
/** From a lesson to its presentation. */
import { usePathname } from 'next/navigation';
import { useTexts } from '../i18n/use-texts';
import { presentStrings } from './present-strings';

/** In the bar of a lesson's page; on other pages there is nothing to present. */
export function PresentLink() {
  const { lang } = useTexts();
  const path = usePathname();
  if (!/^\/[a-z]+\/[a-z]+\/\d\d\/?$/.test(path)) return null;
  const words = presentStrings(lang);
  return (
    // A page of its own: another connection, other keys, and nothing of it is fetched before.
    <a
      className="text-tool present-link"
      href={`${path.replace(/\/$/, '')}/demo`}
      title={words.what}
    >
      {words.present}
    </a>
  );
}
