'use client';
import type { NsInode, State } from '@terrarium/timeline';
import type { Lang } from './strings.js';

export interface NamespacesViewProps {
  readonly state: State;
  readonly lang: Lang;
  readonly past?: boolean;
  readonly selected?: NsInode | null;
  readonly onSelect?: (inode: NsInode | null) => void;
  readonly onShowInTerminal?: (command: string) => void;
}

export function NamespacesView(_props: NamespacesViewProps) {
  return null;
}
