'use client';
/** Ties linked highlighting and predicting by pointing to one lesson's page. */
import { type Lesson, parsePick, type Step, seen, type ViewName } from '@terrarium/lesson';
import type { Subject } from '@terrarium/timeline';
import {
  createContext,
  type ReactNode,
  type RefObject,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { useTexts } from '../i18n/use-texts';
import { useLabPart, useLabStore } from '../live/use-lab';
import { useTerminals } from '../terminal/terminals';
import { Lighting } from './lighting';
import { listenForPick } from './picking';
import { PointOutProvider } from './point-out';
import { RelatedCommands } from './related-commands';
import { linkedStrings } from './strings';
import { SubjectMarks, type SubjectOf } from './subject-marks';

/** A question that waits for the learner to point. */
interface Picking {
  readonly step: string;
  readonly view: ViewName;
  readonly onPick: (about: Subject) => void;
}

interface LinkedContextValue {
  /** the step whose question waits; null for none */
  readonly picking: string | null;
  readonly begin: (picking: Picking) => void;
  readonly cancel: () => void;
}

const LinkedContext = createContext<LinkedContextValue | null>(null);

/** Predicting by pointing. */
export function usePicking(): LinkedContextValue {
  const value = useContext(LinkedContext);
  if (value === null) throw new Error('usePicking outside of LinkedPage');
  return value;
}

/** What is lit follows the kernel this often: each time, what every command did is looked through. */
const REFRESH_MS = 300;

interface LinkedPageProps {
  readonly lesson: Lesson;
  /** id of the open step */
  readonly open: string | null;
  readonly onView: (view: ViewName) => void;
  readonly children: ReactNode;
}

/** The page around reader, stage and terminals; everything about one subject lights up in it. */
export function LinkedPage(props: LinkedPageProps) {
  const { lesson, open, onView, children } = props;
  const root = useRef<HTMLDivElement>(null);
  const past = useLabPart((lab) => lab.past !== null);
  const subjectOf = useSubjectOf(lesson);
  useLighting(root, subjectOf);
  useAnswers(root, subjectOf, lesson.steps.find(({ id }) => id === open) ?? null);
  const value = usePickingState(root, open, onView);
  return (
    <LinkedContext value={value}>
      <PointOutProvider root={root} subjectOf={subjectOf}>
        <div className="page" data-past={past || undefined} ref={root}>
          {children}
        </div>
      </PointOutProvider>
    </LinkedContext>
  );
}

/** A row says what it is about; a link's path is looked up in the state as it is now. */
function useSubjectOf(lesson: Lesson): SubjectOf {
  const store = useLabStore();
  return useCallback<SubjectOf>(
    (element) => {
      const path = element.dataset['see'];
      if (path === undefined) return element.dataset['subject'] ?? null;
      const id = element.closest<HTMLElement>('[data-step]')?.dataset['step'];
      const step = lesson.steps.find((one) => one.id === id);
      const { past, state } = store.get();
      return seen(path, step?.check ?? null, past?.state ?? state);
    },
    [lesson, store],
  );
}

function useLighting(root: RefObject<HTMLElement | null>, subjectOf: SubjectOf): void {
  const store = useLabStore();
  const all = useTerminals();
  const terminals = useRef(all);
  terminals.current = all;
  useEffect(() => {
    if (root.current === null) return;
    let commands = new RelatedCommands(store.get().history);
    let known = store.get().history;
    const lighting = new Lighting({
      root: root.current,
      subjectOf,
      related: (about) => {
        const { history, past, state } = store.get();
        if (history !== known) {
          known = history;
          commands = new RelatedCommands(history);
        }
        return commands.relatedTo(about, past?.state ?? state);
      },
      onLit: (subjects) => terminals.current.light(commandsAmong(subjects)),
    });
    let timer: number | null = null;
    const unsubscribe = store.subscribe(() => {
      timer ??= window.setTimeout(() => {
        timer = null;
        lighting.refresh();
      }, REFRESH_MS);
    });
    return () => {
      if (timer !== null) window.clearTimeout(timer);
      unsubscribe();
      lighting.stop();
    };
  }, [root, store, subjectOf]);
}

function commandsAmong(subjects: ReadonlySet<Subject>): readonly string[] {
  const prefix = 'command:';
  return [...subjects]
    .filter((one) => one.startsWith(prefix))
    .map((one) => one.slice(prefix.length));
}

/** Draws the learner's answer dashed, and the kernel's solid over it, on the picture itself. */
function useAnswers(
  root: RefObject<HTMLElement | null>,
  subjectOf: SubjectOf,
  step: Step | null,
): void {
  const { lang } = useTexts();
  const asked = step?.predict?.kind === 'pick' ? step.id : null;
  const prediction = useLabPart(
    (lab) => lab.steps?.find((status) => status.step === asked)?.prediction ?? null,
  );
  const [answer, actual] = [prediction?.answer ?? null, prediction?.actual ?? null];
  useEffect(() => {
    if (root.current === null || answer === null) return;
    const words = linkedStrings(lang);
    const marks = answerMarks(answer, actual);
    const spoken = { yours: words.yours, kernels: words.kernels, both: words.both } as const;
    const shown = new SubjectMarks({ root: root.current, attribute: 'data-answer', subjectOf });
    const said = new SubjectMarks({ root: root.current, attribute: 'aria-description', subjectOf });
    shown.set(marks);
    said.set(new Map([...marks].map(([about, kind]) => [about, spoken[kind]])));
    return () => {
      shown.clear();
      said.clear();
    };
  }, [root, subjectOf, answer, actual, lang]);
}

type AnswerKind = 'yours' | 'kernels' | 'both';

function answerMarks(answer: string, actual: string | null): ReadonlyMap<Subject, AnswerKind> {
  const yours = parsePick(answer).subject;
  const kernels = actual === null ? null : parsePick(actual).subject;
  if (kernels === yours) return new Map([[yours, 'both']]);
  const marks = new Map<Subject, AnswerKind>([[yours, 'yours']]);
  if (kernels !== null) marks.set(kernels, 'kernels');
  return marks;
}

function usePickingState(
  root: RefObject<HTMLElement | null>,
  open: string | null,
  onView: (view: ViewName) => void,
): LinkedContextValue {
  const [picking, setPicking] = useState<Picking | null>(null);
  const cancel = useCallback(() => setPicking(null), []);
  const begin = useCallback(
    (wanted: Picking) => {
      onView(wanted.view);
      setPicking(wanted);
    },
    [onView],
  );
  // Another step's question is another question.
  useEffect(() => {
    setPicking((waiting) => (waiting?.step === open ? waiting : null));
  }, [open]);
  useEffect(() => {
    const stage = root.current?.querySelector<HTMLElement>('.stage') ?? null;
    if (picking === null || stage === null) return;
    return listenForPick({
      stage,
      view: picking.view,
      onPick: (about) => {
        setPicking(null);
        picking.onPick(about);
      },
      onCancel: cancel,
    });
  }, [root, picking, cancel]);
  return useMemo(
    () => ({ picking: picking?.step ?? null, begin, cancel }),
    [picking, begin, cancel],
  );
}
