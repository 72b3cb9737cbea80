'use client';
/** Above the tape: its switch with what it costs, and what of it is shown. */
import { useId } from 'react';
import type { Lang } from '../strings.js';
import { callsStrings } from './strings.js';

export interface TapeFilter {
  readonly label: string;
  readonly value: string | null;
  readonly choices: readonly { readonly value: string; readonly text: string }[];
  readonly onChange: (value: string | null) => void;
}

export function TapeHead(props: {
  readonly lang: Lang;
  readonly tracing: boolean;
  readonly onTrace: ((on: boolean) => void) | undefined;
  /** null while there is nothing to count */
  readonly count: string | null;
  readonly filters: readonly TapeFilter[];
}) {
  const { lang, tracing, onTrace } = props;
  const words = callsStrings(lang);
  const cost = useId();
  return (
    <div className="tr-choose tr-tape-tools">
      <button
        type="button"
        role="switch"
        className="tr-switch"
        aria-checked={tracing}
        aria-describedby={cost}
        disabled={onTrace === undefined}
        onClick={() => onTrace?.(!tracing)}
      >
        <span aria-hidden="true" className="tr-switch-track" />
        {words.tape}
      </button>
      <small id={cost} className="tr-cost">
        {words.tapeCost}
      </small>
      {props.filters
        .filter(({ choices }) => choices.length > 0)
        .map(({ label, value, choices, onChange }) => (
          <label key={label} className="tr-choice">
            <span>{label}</span>
            <select
              value={value ?? ''}
              onChange={(event) => onChange(event.target.value === '' ? null : event.target.value)}
            >
              <option value="">{words.all}</option>
              {choices.map((choice) => (
                <option key={choice.value} value={choice.value}>
                  {choice.text}
                </option>
              ))}
            </select>
          </label>
        ))}
      {props.count !== null && <span className="tr-count">{props.count}</span>}
    </div>
  );
}
