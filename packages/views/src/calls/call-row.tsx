'use client';
/** One call of the tape. Memoised: a call never changes, and a tape holds hundreds. */
import { subject, type TapedCall } from '@terrarium/timeline';
import { memo } from 'react';
import type { Lang } from '../strings.js';
import { resultText, timeText, tokensOf } from './call-text.js';
import { callsStrings } from './strings.js';

export interface CallRowProps {
  readonly call: TapedCall;
  readonly comm: string | null;
  /** `4715 → 15 → 1` */
  readonly pids: string;
  readonly lang: Lang;
  readonly active: boolean;
  readonly selected: boolean;
  readonly highlighted: boolean;
}

export const CallRow = memo(function CallRow(props: CallRowProps) {
  const { call, lang } = props;
  const { value, words } = resultText(call, lang);
  return (
    <tr
      className="tr-call"
      data-id={`${call.seq}`}
      data-appear={`${call.seq}`}
      data-subject={subject.call(call.seq)}
      data-failed={call.errno !== null || undefined}
      data-highlighted={props.highlighted || undefined}
      tabIndex={props.active ? 0 : -1}
      aria-selected={props.selected}
    >
      <td className="tr-call-time">{timeText(call.at)}</td>
      <td className="tr-call-who" title={`${props.comm ?? ''} ${props.pids}`}>
        <b>{props.comm ?? '?'}</b> <span>{props.pids}</span>
      </td>
      <td className="tr-call-what">
        <Signature call={call} />
      </td>
      <td className="tr-call-result">
        {call.errno !== null && <span className="tr-sr">{callsStrings(lang).failed}: </span>}
        <b>{value}</b> {words !== '' && <span>{words}</span>}
      </td>
    </tr>
  );
});

/** `unshare(CLONE_NEWPID | CLONE_NEWNS)`, its flags as tokens. */
export function Signature({ call }: { readonly call: TapedCall }) {
  return (
    <span className="tr-signature">
      <b>{call.name}</b>(
      {call.args.map((argument, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: arguments have no other identity
        <span key={i}>
          {i > 0 && ', '}
          <Argument text={argument} />
        </span>
      ))}
      )
    </span>
  );
}

export function Argument({ text }: { readonly text: string }) {
  return (
    <>
      {tokensOf(text).map((token, i) => (
        <span
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text in order
          key={i}
          className={token.type === 'plain' ? undefined : `tr-token-${token.type}`}
          data-kind={token.kind}
        >
          {token.text}
        </span>
      ))}
    </>
  );
}
