'use client';
/** All that is known about one call, for the card beside the tape. */
import type { State, TapedCall } from '@terrarium/timeline';
import { Fact, LookYourself } from '../facts-panel.js';
import { sandboxPid } from '../process-text.js';
import type { Lang } from '../strings.js';
import { Argument } from './call-row.js';
import { manualOf, resultText, timeText, tookText, touchedText } from './call-text.js';
import { type Caller, callerText } from './caller.js';
import { errnoHint } from './errno-words.js';
import { callsStrings } from './strings.js';

export function CallTitle({ call }: { readonly call: TapedCall }) {
  return <code>{call.name}</code>;
}

export function CallFacts(props: {
  readonly state: State;
  readonly call: TapedCall;
  readonly caller: Caller;
  readonly lang: Lang;
  readonly onShowInTerminal?: ((command: string) => void) | undefined;
}) {
  const { state, call, caller, lang } = props;
  const words = callsStrings(lang);
  const { value, words: meaning } = resultText(call, lang);
  const hint = call.errno === null ? null : errnoHint(call.name, call.errno, lang);
  const touched = touchedText(state, call, lang);
  const pid = caller.lives && caller.process !== null ? sandboxPid(state, caller.process) : null;
  return (
    <>
      <dl>
        <Fact name={words.factResult}>
          <b className={call.errno === null ? undefined : 'tr-bad'}>{value}</b>
          <small>
            {meaning || (call.errno === null && call.result === 0 ? words.success : '')}
          </small>
        </Fact>
        {hint !== null && (
          <Fact name={words.hint}>
            <span className="tr-hint-text">{hint}</span>
          </Fact>
        )}
        <Fact name={words.factArguments}>
          {call.args.length === 0
            ? words.noArguments
            : call.args.map((argument, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: arguments have no other identity
                <code key={i} className="tr-line">
                  <Argument text={argument} />
                </code>
              ))}
        </Fact>
        <Fact name={words.factProcess}>
          <code>{callerText(caller)}</code>
          {!caller.lives && <small>{words.gone}</small>}
        </Fact>
        {touched.length > 0 && (
          <Fact name={words.factTouched}>
            {touched.map((text) => (
              <span key={text} className="tr-line">
                {text}
              </span>
            ))}
          </Fact>
        )}
        <Fact name={words.factWhen}>
          <code>{timeText(call.at)}</code>
        </Fact>
        {call.took !== null && <Fact name={words.factTook}>{tookText(call.took)}</Fact>}
      </dl>
      <LookYourself
        lang={lang}
        paths={pid === null ? [] : [`/proc/${pid}/syscall`, `/proc/${pid}/status`]}
        manuals={[manualOf(call)]}
        commands={[`man 2 ${call.name}`, ...(pid === null ? [] : [`ls -l /proc/${pid}/ns`])]}
        onShowInTerminal={props.onShowInTerminal}
      />
    </>
  );
}
