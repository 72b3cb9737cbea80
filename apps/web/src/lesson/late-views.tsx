'use client';
/**
 * The views besides the processes, each loaded when it is wanted: who opens a lesson waits for the
 * terminal and for the view that its step speaks of, not for all of them. One file each in `late`.
 */
import { lazy } from 'react';

export const NamespacesView = lazy(() => import('./late/namespaces'));
export const MountsView = lazy(() => import('./late/mounts'));
export const CgroupsView = lazy(() => import('./late/cgroups'));
export const LayersView = lazy(() => import('./late/layers'));
export const NetworkView = lazy(() => import('./late/network'));
export const CallsView = lazy(() => import('./late/calls'));
export const CommandsView = lazy(() => import('./late/commands'));
export const StepperView = lazy(() => import('./late/stepper'));
