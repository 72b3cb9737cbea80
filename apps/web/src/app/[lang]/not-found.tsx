'use client';
/** No such page, in the language of the address. */
import { EmptyVessel } from '@terrarium/views';
import Link from 'next/link';
import { useTexts } from '../../i18n/use-texts';

export default function NotFound() {
  const { t, lang } = useTexts();
  return (
    <main className="plain" id="lesson" tabIndex={-1}>
      <EmptyVessel size={88} />
      <h1>{t.notFound.title}</h1>
      <p>{t.notFound.body}</p>
      <Link className="button button-secondary" href={`/${lang}`}>
        {t.notFound.home}
      </Link>
    </main>
  );
}
