'use client';
/** The presentation as the room sees it: the lesson page's panes, with one slide instead of its text. */
import type { Lesson } from '@terrarium/lesson';
import { useCallback, useEffect, useRef, useState } from 'react';
import { Banners } from '../components/connection';
import { useTexts } from '../i18n/use-texts';
import {
  useNewestLesson,
  useReadyMark,
  useStageView,
  useTerminalShortcut,
} from '../lesson/page-hooks';
import { Workspace } from '../lesson/workspace';
import { LinkedPage } from '../linked/linked-page';
import { useLabStore } from '../live/use-lab';
import { TerminalsProvider } from '../terminal/terminals';
import { DemoBar } from './demo-bar';
import { DemoHelp } from './demo-help';
import { JumpDialog } from './jump-dialog';
import { Laser, Spotlight } from './pointers';
import { Slide } from './slide';
import { demoStrings } from './strings';
import { focusSlide, useDemo } from './use-demo';
import { useDemoKeys } from './use-demo-keys';
import { type Look, useLook } from './use-look';
import { useNews } from './use-news';

/** A lesson, presented. */
export function DemoPage(props: { readonly lesson: Lesson }) {
  const look = useLook();
  return (
    <TerminalsProvider onLeave={focusSlide} extraSize={look.extraSize}>
      <DemoWindow lesson={props.lesson} look={look} />
    </TerminalsProvider>
  );
}

function DemoWindow(props: { readonly lesson: Lesson; readonly look: Look }) {
  const { look } = props;
  const lesson = useNewestLesson(props.lesson);
  const { lang } = useTexts();
  const words = demoStrings(lang);
  const store = useLabStore();
  const demo = useDemo(lesson);
  const step = demo.slides[demo.place.slide]?.step ?? null;
  const [view, setView] = useStageView(lesson, step?.id ?? null);
  const [command, setCommand] = useState<string | null>(null);
  const tools = useTools();
  const [said, say] = useSaid();
  useReadyMark();
  useTerminalShortcut();
  useNews(lesson.id, demo);
  useEffect(() => {
    if (step !== null) store.showsStep(step.id);
  }, [store, step]);
  const openNotes = useCallback(() => {
    const opened = window.open(notesAddress(), 'terrarium-notes', 'popup,width=960,height=900');
    if (opened === null) store.notify(words.notesBlocked);
  }, [store, words]);
  const answer = (choice: number): void => {
    const id = step?.predict?.choices?.[choice - 1]?.id;
    if (step === null || id === undefined || !demo.shown.question) return;
    store.send({ type: 'step.predict', lesson: lesson.id, step: step.id, answer: id });
  };
  useDemoKeys({
    next: () => (tools.black ? tools.setBlack(false) : demo.next()),
    back: () => (tools.black ? tools.setBlack(false) : demo.back()),
    jump: () => tools.setJumping(true),
    notes: openNotes,
    help: () => tools.setHelping(true),
    larger: (by) => say(words.size(look.larger(by))),
    contrast: () => say(look.toggleContrast() ? words.contrastOn : words.contrastOff),
    laser: tools.setLaser,
    spotlight: () => tools.setSpotlight(!tools.spotlight),
    black: () => tools.setBlack(!tools.black),
    timer: () => tools.setTimer(!tools.timer),
    fullscreen: toggleFullscreen,
    answer,
  });
  return (
    <LinkedPage lesson={lesson} open={step?.id ?? null} onView={setView}>
      <Banners />
      <Workspace
        reader={<Slide lesson={lesson} demo={demo} />}
        view={view}
        onView={setView}
        command={command}
        onCommand={setCommand}
      />
      <DemoBar
        lesson={lesson}
        demo={demo}
        said={tools.spotlight && said === null ? words.spotlight : said}
        timer={tools.timer}
        onJump={() => tools.setJumping(true)}
        onNotes={openNotes}
        onHelp={() => tools.setHelping(true)}
      />
      <JumpDialog lesson={lesson} demo={demo} open={tools.jumping} onOpen={tools.setJumping} />
      <DemoHelp lesson={lesson.id} open={tools.helping} onOpen={tools.setHelping} />
      <Laser on={tools.laser} />
      {tools.spotlight ? <Spotlight /> : null}
      {tools.black ? (
        <div className="demo-black" role="status">
          <span className="sr-only">{words.black}</span>
        </div>
      ) : null}
    </LinkedPage>
  );
}

/** What is open or on at the moment; nothing of it outlives the page. */
function useTools() {
  const [jumping, setJumping] = useState(false);
  const [helping, setHelping] = useState(false);
  const [laser, setLaser] = useState(false);
  const [spotlight, setSpotlight] = useState(false);
  const [black, setBlack] = useState(false);
  const [timer, setTimer] = useState(true);
  return {
    ...{ jumping, setJumping, helping, setHelping, laser, setLaser },
    ...{ spotlight, setSpotlight, black, setBlack, timer, setTimer },
  };
}

/** How long a word about a key (a size, a contrast) stands in the bar, ms. */
const SAID_MS = 2500;

/** A word that goes away by itself. */
function useSaid(): [string | null, (text: string) => void] {
  const [said, setSaid] = useState<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const say = useCallback((text: string) => {
    setSaid(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setSaid(null), SAID_MS);
  }, []);
  return [said, say];
}

function notesAddress(): string {
  const url = new URL(window.location.href);
  url.search = '?notes';
  url.hash = '';
  return url.href;
}

function toggleFullscreen(): void {
  const done =
    document.fullscreenElement === null
      ? document.documentElement.requestFullscreen()
      : document.exitFullscreen();
  done.catch(() => undefined); // a browser that does not allow it stays as it is
}
