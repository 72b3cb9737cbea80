'use client';
/** Points an object out in the views for as long as somebody speaks of it: the one a hint is about. */
import type { Subject } from '@terrarium/timeline';
import {
  createContext,
  type ReactNode,
  type RefObject,
  useContext,
  useEffect,
  useMemo,
  useState,
} from 'react';
import { useTexts } from '../i18n/use-texts';
import { linkedStrings } from './strings';
import { SubjectMarks, type SubjectOf } from './subject-marks';

/** What is spoken of, and what else it has to do with. */
interface Pointed {
  readonly about: Subject | null;
  readonly near: readonly Subject[];
}

type PointOut = (pointed: Pointed | null) => void;

const PointOutContext = createContext<PointOut>(() => undefined);

/**
 * Points while the component is there.
 *
 * @param about null: there is no such object
 * @param nearby other subjects with spaces between them: one text, so that it can be compared
 */
export function usePointOut(about: Subject | null, nearby: string): void {
  const pointOut = useContext(PointOutContext);
  useEffect(() => {
    const near = nearby.split(' ').filter((one) => one !== '');
    if (about === null && near.length === 0) return;
    pointOut({ about, near });
    return () => pointOut(null);
  }, [pointOut, about, nearby]);
}

/** @param props.root everything in which objects may be pointed out */
export function PointOutProvider(props: {
  readonly root: RefObject<HTMLElement | null>;
  readonly subjectOf: SubjectOf;
  readonly children: ReactNode;
}) {
  const { root, subjectOf } = props;
  const { lang } = useTexts();
  const [pointed, setPointed] = useState<Pointed | null>(null);
  useEffect(() => {
    const stage = root.current;
    if (stage === null || pointed === null) return;
    const { about, near } = pointed;
    const drawn = new SubjectMarks({ root: stage, attribute: 'data-missing', subjectOf });
    const said = new SubjectMarks({ root: stage, attribute: 'aria-description', subjectOf });
    drawn.set(
      new Map([
        ...near.map((one) => [one, 'near'] as const),
        ...(about === null ? [] : [[about, 'self'] as const]),
      ]),
    );
    if (about !== null) said.set(new Map([[about, linkedStrings(lang).missing]]));
    return () => {
      drawn.clear();
      said.clear();
    };
  }, [root, subjectOf, pointed, lang]);
  const value = useMemo<PointOut>(() => setPointed, []);
  return <PointOutContext value={value}>{props.children}</PointOutContext>;
}
