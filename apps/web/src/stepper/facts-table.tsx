'use client';
/** The kernel's state of one process now: what the plan has made different stands out. */
import type { StepperFact, StepperState } from '@terrarium/protocol';
import { NamespaceGlyph } from '@terrarium/views';
import { useState } from 'react';
import { useTexts } from '../i18n/use-texts';

/** A table for the process that steps, or the one that the learner picks. */
export function FactsTable(props: { readonly stepper: StepperState }) {
  const { stepper } = props;
  const { t } = useTexts();
  const [picked, setPicked] = useState<string | null>(null);
  const names = Object.keys(stepper.facts);
  const last = stepper.records.at(-1);
  // Who has just been born is more worth a look than who made it.
  const born = last?.changes.find(({ kind, effect }) => kind === 'process' && effect === 'new');
  const usual = born?.process ?? last?.process ?? stepper.next ?? '';
  const name = [picked, usual, names.at(-1)].find((one) => one != null && names.includes(one));
  const rows = name === undefined || name === null ? [] : (stepper.facts[name] ?? []);
  const namespaces = rows.filter(({ key }) => key.startsWith('ns:'));
  const others = rows.filter(({ key }) => !key.startsWith('ns:'));
  return (
    <section className="facts-now" aria-label={t.stepper.stateNow}>
      <div className="stepper-head">
        <h3>{t.stepper.stateNow}</h3>
        {names.map((one) => (
          <button
            key={one}
            type="button"
            className="facts-pick"
            aria-pressed={one === name}
            onClick={() => setPicked(one)}
          >
            {one}
          </button>
        ))}
      </div>
      {rows.length === 0 ? <p className="quiet">{t.stepper.nobody}</p> : null}
      <ul className="ns-chips" aria-label={t.stage.views.namespaces}>
        {namespaces.map((fact) => (
          <NamespaceChip key={fact.key} fact={fact} />
        ))}
      </ul>
      <dl>
        {others.map(({ key, value, own, source }) => (
          <div key={key} className="fact" data-own={own || undefined} title={source}>
            <dt>{t.stepper.facts[key as keyof typeof t.stepper.facts] ?? key}</dt>
            <dd className="facts" key={value}>
              {value}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

const KINDS = ['pid', 'mnt', 'net', 'uts', 'ipc', 'user', 'cgroup', 'time'] as const;

/** A new namespace wears its hue; one that was there before is neutral. */
function NamespaceChip(props: { readonly fact: StepperFact }) {
  const { key, value, own, source } = props.fact;
  const kind = KINDS.find((one) => key === `ns:${one}`);
  if (kind === undefined) return null;
  return (
    <li
      className="ns-chip"
      data-kind={kind}
      data-own={own || undefined}
      title={`${kind}:[${value}]  ${source}`}
    >
      <NamespaceGlyph kind={kind} size={12} />
      <span>{kind}</span>
    </li>
  );
}
