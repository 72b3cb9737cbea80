'use client';
/** Draws a folded state by one of the views: the live one on the stage, a recorded one in a figure. */
import type { FigureView } from '@terrarium/lesson';
import type { State } from '@terrarium/timeline';
import { ProcessesView } from '@terrarium/views';
import type { Language } from '../i18n/index';
import {
  CallsView,
  CgroupsView,
  LayersView,
  MountsView,
  NamespacesView,
  NetworkView,
} from './late-views';

interface StateViewProps {
  readonly view: FigureView;
  readonly state: State;
  readonly lang: Language;
  /** the state is a moment that is looked back to */
  readonly past?: boolean;
  /** types a command visibly into a terminal; without it no card offers one */
  readonly onShowInTerminal?: (command: string) => void;
  /** switches the tape of system calls; nobody has the switch where there is no lab */
  readonly onTrace: (on: boolean) => void;
}

/** Every view that needs a state and nothing else. */
export function StateView({ view, onTrace, ...shared }: StateViewProps) {
  switch (view) {
    case 'processes':
      return <ProcessesView {...shared} />;
    case 'namespaces':
      return <NamespacesView {...shared} />;
    case 'mounts':
      return <MountsView {...shared} />;
    case 'cgroups':
      return <CgroupsView {...shared} />;
    case 'layers':
      return <LayersView {...shared} />;
    case 'network':
      return <NetworkView {...shared} />;
    case 'calls':
      return <CallsView {...shared} onTrace={onTrace} />;
  }
}
