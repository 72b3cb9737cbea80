'use client';
/** The part of a process's card that says what it sees, what it may do, and what it uses. */
import type { ProcessFacts, ProcessUsage } from '@terrarium/timeline';
import { CAPABILITIES, capabilityNames, missingCapabilities } from './capabilities.js';
import { Fact } from './facts-panel.js';
import { type Lang, strings } from './strings.js';

/** Where more than this many of all are in a set, those that are missing are the shorter list. */
const MOST = CAPABILITIES.length / 2;

/** Root, directory, capabilities, seccomp: absent until they were read. */
export function RightsFacts({ facts, lang }: { facts: ProcessFacts | undefined; lang: Lang }) {
  const words = strings(lang);
  if (facts === undefined) return null;
  return (
    <>
      <Fact name={words.factRootDirectory}>
        <code>{facts.root}</code>
      </Fact>
      <Fact name={words.factDirectory}>
        <code>{facts.cwd}</code>
      </Fact>
      <Fact name={words.factCapabilities}>
        <CapabilitySet hex={facts.capabilities.effective} lang={lang} />
        {facts.capabilities.bounding !== facts.capabilities.effective && (
          <small>
            {words.bounding} <CapabilitySet hex={facts.capabilities.bounding} lang={lang} />
          </small>
        )}
      </Fact>
      <Fact name="seccomp">
        {words.seccompModes[facts.seccomp] ?? facts.seccomp}
        {facts.noNewPrivs && <small>no_new_privs</small>}
      </Fact>
      {facts.oomScoreAdj !== 0 && <Fact name="oom_score_adj">{facts.oomScoreAdj}</Fact>}
    </>
  );
}

function CapabilitySet({ hex, lang }: { hex: string; lang: Lang }) {
  const words = strings(lang);
  const names = capabilityNames(hex);
  if (names.length === 0) return <span title={hex}>{words.factNone}</span>;
  const missing = missingCapabilities(hex);
  if (missing.length === 0) return <span title={hex}>{words.allCapabilities}</span>;
  if (names.length > MOST) return <span title={hex}>{words.allCapabilitiesBut(missing)}</span>;
  return <code title={hex}>{names.join(' ')}</code>;
}

/** Memory and processor time, as last sampled. */
export function UsageFacts({ usage, lang }: { usage: ProcessUsage | undefined; lang: Lang }) {
  const words = strings(lang);
  if (usage === undefined) return null;
  return (
    <>
      <Fact name={words.factMemory}>{memoryText(usage.rss)}</Fact>
      <Fact name={words.factTime}>{timeText(usage.cpu)}</Fact>
    </>
  );
}

/** `3.4 MiB`, with as many digits as can be compared at a glance. */
export function memoryText(bytes: number): string {
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KiB`;
  const mebibytes = bytes / (1024 * 1024);
  if (mebibytes < 1024) return `${mebibytes.toFixed(mebibytes < 10 ? 1 : 0)} MiB`;
  return `${(mebibytes / 1024).toFixed(1)} GiB`;
}

/** `0.12 s`, `1:05 min`. */
export function timeText(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(2)} s`;
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')} min`;
}
