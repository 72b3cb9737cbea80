'use client';
import type { State } from '@terrarium/timeline';
/** Gives components the lab of their page, and the preferences of the learner. */
import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { fetchPast } from '../past/fetch-past';
import { type Lab, LabStore } from './lab-store';
import { PREFERENCES, type PreferenceKey, type Preferences, rememberLocally } from './preferences';

interface LabContextValue {
  readonly store: LabStore;
  readonly preferences: Preferences;
  readonly prefer: (key: PreferenceKey, value: string) => void;
}

const LabContext = createContext<LabContextValue | null>(null);

/**
 * Connects the page to its lab.
 *
 * @param props.lesson the lesson whose checks are wanted, or null
 * @param props.preferences as the server read them from the cookies
 */
export function LabProvider(props: {
  readonly lesson: string | null;
  readonly preferences: Preferences;
  readonly children: ReactNode;
}) {
  const [store] = useState(
    () =>
      new LabStore({
        connect: () => new WebSocket(socketUrl('/api/live')),
        lesson: props.lesson,
        fetchPast,
      }),
  );
  const [preferences, setPreferences] = useState(props.preferences);
  useEffect(() => {
    store.start();
    return () => store.stop();
  }, [store]);
  const prefer = useCallback(
    (key: PreferenceKey, value: string) => {
      rememberLocally(key, value);
      store.send({ type: 'setting', key, value });
      setPreferences((old) => ({ ...old, [key]: value }));
    },
    [store],
  );
  useSettingsSync(store, preferences, setPreferences);
  const value = useMemo(() => ({ store, preferences, prefer }), [store, preferences, prefer]);
  return <LabContext value={value}>{props.children}</LabContext>;
}

/**
 * When the daemon says hello: what this browser has forgotten is taken from the settings, what the
 * daemon has not heard (a choice made while it was away) is told to it.
 */
function useSettingsSync(
  store: LabStore,
  preferences: Preferences,
  setPreferences: (update: (old: Preferences) => Preferences) => void,
): void {
  const welcome = useSyncExternalStore(
    store.subscribe,
    () => store.get().welcome,
    () => null,
  );
  const latest = useRef(preferences);
  latest.current = preferences;
  useEffect(() => {
    if (welcome === null) return;
    for (const key of PREFERENCES) {
      const here = latest.current[key];
      const there = welcome.settings[key];
      if (here === undefined && there !== undefined) {
        rememberLocally(key, there);
        setPreferences((old) => ({ ...old, [key]: there }));
      } else if (here !== undefined && here !== there) {
        store.send({ type: 'setting', key, value: here });
      }
    }
  }, [welcome, store, setPreferences]);
}

/** The whole lab as it stands; the component renders again when it changes. */
export function useLab(): Lab {
  const { store } = useLabContext();
  return useSyncExternalStore(store.subscribe, store.get, store.get);
}

/** One part of the lab; the component renders again only when that part is another object. */
export function useLabPart<T>(select: (lab: Lab) => T): T {
  const { store } = useLabContext();
  return useSyncExternalStore(
    store.subscribe,
    () => select(store.get()),
    () => select(store.get()),
  );
}

/** What views draw: the present, or the moment that is looked back to. */
export function useViewState(): { readonly state: State; readonly past: boolean } {
  const moment = useLabPart((lab) => lab.past);
  const shown = useLabPart((lab) => lab.past?.state ?? lab.state);
  return { state: shown, past: moment !== null };
}

/** The store itself, for sending. */
export function useLabStore(): LabStore {
  return useLabContext().store;
}

/** The learner's preferences and how to change one. */
export function usePreferences(): Pick<LabContextValue, 'preferences' | 'prefer'> {
  return useLabContext();
}

function useLabContext(): LabContextValue {
  const value = useContext(LabContext);
  if (value === null) throw new Error('useLab outside of LabProvider');
  return value;
}

/** The address of a socket of this page's own server. */
export function socketUrl(path: string): string {
  const url = new URL(path, window.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
