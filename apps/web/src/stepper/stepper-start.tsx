'use client';
/** Before anything is open: what the stepper is, and what there is to step through. */
import { EmptyVessel } from '@terrarium/views';
import { type FormEvent, useState } from 'react';
import { Button } from '../components/button';
import { useTexts } from '../i18n/use-texts';
import { useAsk } from './use-stepper';

/** The invitation. */
export function StepperStart() {
  const { t } = useTexts();
  const ask = useAsk();
  const [path, setPath] = useState('/lab/mycontainer');
  const [line, setLine] = useState('sleep 1000');
  const openBundle = (event: FormEvent): void => {
    event.preventDefault();
    ask({ type: 'stepper.open', what: { kind: 'bundle', path: path.trim() } });
  };
  const openProgram = (event: FormEvent): void => {
    event.preventDefault();
    const args = line.trim().split(/\s+/).filter(Boolean);
    if (args.length > 0) ask({ type: 'stepper.open', what: { kind: 'exec', args } });
  };
  return (
    <div className="stepper-start">
      <div className="stepper-invitation">
        <EmptyVessel size={72} />
        <div>
          <h2>{t.stepper.title}</h2>
          <p>{t.stepper.lead}</p>
          <Button
            look="primary"
            icon="run"
            onClick={() => ask({ type: 'stepper.open', what: { kind: 'container' } })}
          >
            {t.stepper.openExample}
          </Button>
          <p className="quiet">{t.stepper.exampleWhat}</p>
        </div>
      </div>
      <div className="stepper-others">
        <form onSubmit={openBundle}>
          <label htmlFor="stepper-path">{t.stepper.ownLabel}</label>
          <span className="stepper-field">
            <input
              id="stepper-path"
              className="facts"
              value={path}
              spellCheck={false}
              autoComplete="off"
              pattern="/.+"
              onChange={(event) => setPath(event.target.value)}
            />
            <Button type="submit">{t.stepper.openOwn}</Button>
          </span>
        </form>
        <form onSubmit={openProgram}>
          <label htmlFor="stepper-line">{t.stepper.programLabel}</label>
          <span className="stepper-field">
            <input
              id="stepper-line"
              className="facts"
              value={line}
              spellCheck={false}
              autoComplete="off"
              onChange={(event) => setLine(event.target.value)}
            />
            <Button type="submit">{t.stepper.openProgram}</Button>
          </span>
        </form>
      </div>
    </div>
  );
}
