'use client';
/**
 * The plan as a tape: one lane a process, its calls in groups of one purpose. Done is quiet, the
 * next call stands out, what is to come waits. A group of many calls is one row until somebody, or
 * the next step, opens it.
 */
import type { StepperRecord, StepperState } from '@terrarium/protocol';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Icon } from '../components/icons';
import { useTexts } from '../i18n/use-texts';
import { CallText } from './call-text';
import { type Group, type Lane, recordsByStep, standingOf, stepKey, timeText } from './tape';

/** A call of the plan that the learner has chosen to look at. */
export interface Chosen {
  readonly process: string;
  readonly index: number;
}

interface TapeProps {
  readonly stepper: StepperState;
  readonly lanes: readonly Lane[];
  readonly chosen: Chosen | null;
  readonly onChoose: (chosen: Chosen) => void;
}

/** The list `System calls`. */
export function StepperTape(props: TapeProps) {
  const { stepper, lanes } = props;
  const { t } = useTexts();
  const records = useMemo(() => recordsByStep(stepper.records), [stepper.records]);
  const [opened, setOpened] = useState<ReadonlyMap<string, boolean>>(new Map());
  const tape = useRef<HTMLDivElement>(null);
  useArrowKeys(tape);
  useFollow(tape, `${stepper.next} ${stepper.records.length} ${stepper.outcome?.kind}`);
  const toggle = (key: string, open: boolean): void => {
    setOpened((before) => new Map(before).set(key, open));
  };
  return (
    <div className="tape" ref={tape}>
      <ul className="tape-list" aria-label={t.stepper.calls}>
        {lanes.map((lane) => (
          <li key={lane.process.name} className="lane" data-end={lane.position?.end ?? undefined}>
            <LaneHead lane={lane} />
            <ul>
              {lane.groups.map((group) => (
                <GroupRow
                  key={group.key}
                  {...props}
                  group={group}
                  lane={lane}
                  records={records}
                  open={opened.get(group.key)}
                  onOpen={(open) => toggle(group.key, open)}
                />
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** Keeps what happens in the upper half, so that a few of the next calls are in sight. */
function useFollow(tape: { readonly current: HTMLElement | null }, moment: string): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: each moment is a reason to look again
  useEffect(() => {
    const box = tape.current;
    if (box === null) return;
    follow(box);
    const sizes = new ResizeObserver(() => follow(box));
    sizes.observe(box);
    return () => sizes.disconnect();
  }, [tape, moment]);
}

/** The next call, or the last one that was made when there is no next. */
function follow(box: HTMLElement): void {
  const row =
    box.querySelector('[data-now="true"]') ??
    [...box.querySelectorAll('[data-last="true"]')].at(-1);
  if (row === null || row === undefined) return;
  const top = row.getBoundingClientRect().top - box.getBoundingClientRect().top;
  if (top > box.clientHeight * 0.2 && top < box.clientHeight * 0.62) return;
  box.scrollTop += top - box.clientHeight * 0.35;
}

/** Arrows go from row to row; the list is one stop for Tab. */
function useArrowKeys(tape: { readonly current: HTMLElement | null }): void {
  useEffect(() => {
    const box = tape.current;
    if (box === null) return;
    const onKey = (event: KeyboardEvent): void => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (by === undefined) return;
      const rows = [...box.querySelectorAll<HTMLElement>('[data-row]')];
      const row = rows[rows.indexOf(document.activeElement as HTMLElement) + by];
      if (row === undefined) return;
      event.preventDefault();
      row.focus();
    };
    box.addEventListener('keydown', onKey);
    return () => box.removeEventListener('keydown', onKey);
  }, [tape]);
}

function LaneHead(props: { readonly lane: Lane }) {
  const { process, position } = props.lane;
  const { t, pick } = useTexts();
  const about = t.stepper.processes[process.name as keyof typeof t.stepper.processes];
  const status = (): string => {
    if (position === null) return t.stepper.unborn;
    if (position.status === 'blocked' && position.waitsFor !== null) return pick(position.waitsFor);
    if (position.end !== null) return t.stepper.ends[position.end];
    return t.stepper.stands(position.index + 1, process.steps.length);
  };
  return (
    <div className="lane-head" data-status={position?.status ?? 'unborn'}>
      <span className="lane-name">{process.name}</span>
      {position === null || position.pids.length === 0 ? null : (
        <span className="facts lane-pids" title={t.stepper.pidsTitle}>
          {position.pids.join(' → ')}
        </span>
      )}
      <span className="lane-about">{about ?? ''}</span>
      <span className="lane-status">{status()}</span>
    </div>
  );
}

interface GroupProps extends TapeProps {
  readonly group: Group;
  readonly lane: Lane;
  readonly records: ReadonlyMap<string, StepperRecord>;
  /** undefined: nobody has said */
  readonly open: boolean | undefined;
  readonly onOpen: (open: boolean) => void;
}

function GroupRow(props: GroupProps) {
  const { stepper, group, records, chosen, onChoose } = props;
  const { pick } = useTexts();
  const standing = standingOf(stepper, group);
  const size = group.to - group.from;
  const many = size > 1;
  const active = standing === 'next' || standing === 'blocked' || standing === 'failed';
  // The next call is shown with its arguments, alone in its purpose or not.
  const open = (many || standing === 'next') && (props.open ?? active);
  const purpose = stepper.purposes[group.purpose];
  const act = (): void => {
    if (many) props.onOpen(!open);
    else onChoose({ process: group.process, index: group.from });
  };
  const last = stepper.records.at(-1);
  const isLast =
    last?.process === group.process && last.index >= group.from && last.index < group.to;
  const isChosen = !many && chosen?.process === group.process && chosen.index === group.from;
  return (
    <li className="group" data-standing={standing} data-last={isLast || undefined}>
      <button
        type="button"
        className="group-row"
        data-row=""
        tabIndex={isChosen ? 0 : -1}
        aria-expanded={many ? open : undefined}
        aria-pressed={many ? undefined : isChosen}
        onClick={act}
      >
        <Mark standing={standing === 'next' && open ? 'here' : standing} />
        <span className="group-purpose">
          {purpose === undefined ? '' : pick(purpose)}
          <span className="group-calls facts">{group.syscalls.slice(0, 3).join(' ')}</span>
        </span>
        <GroupTotal group={group} records={records} />
        {many ? <Icon name={open ? 'up' : 'chevron'} size={12} /> : null}
      </button>
      {open ? <Calls {...props} /> : null}
    </li>
  );
}

/** Done, failed, next, waiting: a shape for each, not only a colour. */
function Mark(props: { readonly standing: string }) {
  return (
    <span className="mark" data-standing={props.standing} aria-hidden="true">
      {props.standing === 'done' ? <Icon name="check" size={11} /> : null}
      {props.standing === 'failed' ? <Icon name="close" size={11} /> : null}
      {props.standing === 'next' ? <Icon name="next" size={11} /> : null}
    </span>
  );
}

/** How many calls, and how long the made ones took together; of a single call, its result. */
function GroupTotal(props: {
  readonly group: Group;
  readonly records: ReadonlyMap<string, StepperRecord>;
}) {
  const { group, records } = props;
  const { t } = useTexts();
  const made: StepperRecord[] = [];
  for (let index = group.from; index < group.to; index++) {
    const record = records.get(stepKey(group.process, index));
    if (record !== undefined) made.push(record);
  }
  const size = group.to - group.from;
  const [first] = made;
  const time = made.reduce((sum, { nanoseconds }) => sum + (nanoseconds ?? 0), 0);
  return (
    <span className="group-total facts">
      {size === 1 ? (first === undefined ? '' : resultText(first)) : `${t.stepper.times(size)} `}
      {time === 0 ? null : <span className="call-time">{timeText(time)}</span>}
    </span>
  );
}

function Calls(props: GroupProps) {
  const { stepper, group, lane, records, chosen, onChoose } = props;
  const indexes = Array.from({ length: group.to - group.from }, (_, offset) => group.from + offset);
  return (
    <ul className="calls">
      {indexes.map((index) => {
        const record = records.get(stepKey(group.process, index));
        const standing = standingOf(stepper, {
          process: group.process,
          from: index,
          to: index + 1,
        });
        const isChosen = chosen?.process === group.process && chosen.index === index;
        const now = standing === 'next';
        // A later call will find other values in them.
        const stands = now || standing === 'here' || standing === 'blocked';
        const registers = record?.registers ?? (stands ? (lane.position?.registers ?? {}) : {});
        return (
          <li key={index}>
            <button
              type="button"
              className="call-row"
              data-row=""
              data-standing={standing}
              data-now={now || undefined}
              tabIndex={isChosen || now ? 0 : -1}
              aria-current={now ? 'step' : undefined}
              aria-pressed={isChosen}
              onClick={() => onChoose({ process: group.process, index })}
            >
              <Mark standing={standing} />
              <CallText display={lane.process.steps[index]?.display ?? ''} registers={registers} />
              <span className="group-total facts">
                {record === undefined ? null : (
                  <>
                    {resultText(record)}
                    <span className="call-time">
                      {record.nanoseconds === null ? '' : timeText(record.nanoseconds)}
                    </span>
                  </>
                )}
              </span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

/** `= 5 ` or the errno's name. */
export function resultText({ code, result, nanoseconds }: StepperRecord): string {
  if (code !== null) return `${code} `;
  return nanoseconds === null ? '' : `= ${result} `;
}
