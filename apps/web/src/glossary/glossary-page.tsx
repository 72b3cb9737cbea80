'use client';
/** All terms with their definitions; each has an address of its own. */
import { Banners } from '../components/connection';
import { Header } from '../components/header';
import { useTexts } from '../i18n/use-texts';
import { glossaryStrings } from './strings';
import { TERMS } from './terms';

/** The page `/[lang]/glossary`. */
export function GlossaryPage() {
  const { lang, pick } = useTexts();
  const s = glossaryStrings(lang);
  const other = lang === 'en' ? 'zh' : 'en';
  const order = new Intl.Collator(lang === 'zh' ? 'zh-Hans' : 'en');
  const terms = [...TERMS].sort((a, b) => order.compare(pick(a.name), pick(b.name)));
  return (
    <div className="page page-course">
      <Header />
      <Banners />
      <main className="glossary" id="lesson" tabIndex={-1}>
        <h1>{s.title}</h1>
        <p className="glossary-lead">{s.lead}</p>
        <dl>
          {terms.map((term) => (
            <div key={term.id} id={term.id}>
              <dt>
                {pick(term.name)}
                {term.name[other] === pick(term.name) ? null : (
                  <span lang={other === 'zh' ? 'zh-Hans' : 'en'}>{term.name[other]}</span>
                )}
              </dt>
              <dd>{pick(term.text)}</dd>
            </div>
          ))}
        </dl>
      </main>
    </div>
  );
}
