'use client';
/** What one call changed in the kernel: a line for each difference, and where to read the same. */
import type { StepperChange } from '@terrarium/protocol';
import { NamespaceGlyph } from '@terrarium/views';
import { useTexts } from '../i18n/use-texts';

const GLYPH_OF = {
  mount: 'mnt',
  root: 'mnt',
  network: 'net',
  hostname: 'uts',
  'id-map': 'user',
  credentials: 'user',
  process: 'pid',
  program: 'pid',
  cgroup: 'cgroup',
} as const;

const KINDS = ['pid', 'mnt', 'net', 'uts', 'ipc', 'user', 'cgroup', 'time'] as const;

/** The namespace kind whose hue and glyph a change wears; null for what no namespace holds. */
function glyphOf({ kind, subject }: StepperChange): (typeof KINDS)[number] | null {
  if (kind === 'namespace') return KINDS.find((one) => subject.startsWith(one)) ?? null;
  return GLYPH_OF[kind as keyof typeof GLYPH_OF] ?? null;
}

const SIGNS = { new: '+', gone: '−', changed: '→' } as const;

/** @param props.actor the process that made the call: changes of another one name it */
export function ChangeList(props: {
  readonly changes: readonly StepperChange[];
  readonly actor: string;
}) {
  const { t, pick } = useTexts();
  if (props.changes.length === 0) return <p className="quiet stepper-none">{t.stepper.noChange}</p>;
  return (
    <ul className="changes">
      {props.changes.map((change, at) => {
        const glyph = glyphOf(change);
        const before = props.changes[at - 1]?.process ?? props.actor;
        const whose = change.process !== null && change.process !== before ? change.process : null;
        return (
          <li
            key={`${change.process} ${change.kind} ${change.subject} ${change.effect} ${change.words.en}`}
            className="change"
            data-effect={change.effect}
            data-kind={glyph ?? undefined}
          >
            {whose === null || change.kind === 'process' ? null : (
              <span className="change-process">{whose}</span>
            )}
            <span className="change-sign" aria-hidden="true">
              {glyph === null ? SIGNS[change.effect] : <NamespaceGlyph kind={glyph} size={13} />}
            </span>
            <span className="change-text">
              <span className="change-words">{pick(change.words)}</span>
              {change.source === null ? null : (
                <code className="change-source" title={t.stepper.readAt}>
                  {change.source}
                </code>
              )}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
