'use client';
/** The questions at the end of a lesson: answered, explained answer by answer, tried again. */
import type { Question } from '@terrarium/lesson';
import { type FormEvent, useId, useState } from 'react';
import { Button } from '../components/button';
import { Inline } from '../components/markdown';
import { useTexts } from '../i18n/use-texts';
import { isRight, type Remark, remarkOn } from './grading';
import { keepAnswer, keptAnswer } from './kept-answers';
import { quizStrings } from './strings';

/** Loaded when the learner opens it. */
export default function Quiz(props: {
  readonly lesson: string;
  readonly questions: readonly Question[];
}) {
  return (
    <ol className="quiz-questions">
      {props.questions.map((question) => (
        <li key={question.id}>
          <QuestionCard lesson={props.lesson} question={question} />
        </li>
      ))}
    </ol>
  );
}

function QuestionCard(props: { readonly lesson: string; readonly question: Question }) {
  const { lesson, question } = props;
  const { lang, pick } = useTexts();
  const words = quizStrings(lang);
  const [kept] = useState(() => keptAnswer(lesson, question.id));
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set(kept));
  const [checked, setChecked] = useState(kept !== null);
  const several = question.answers.filter(({ correct }) => correct).length > 1;
  const right = isRight(question, chosen);
  const name = useId();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (chosen.size === 0) return;
    setChecked(true);
    keepAnswer(lesson, question.id, [...chosen]);
  };
  // Another choice is another try: what was said of the last one goes.
  const another = (id: string): void => {
    setChecked(false);
    choose(several ? toggled(chosen, id) : new Set([id]));
  };
  return (
    <form className="quiz-question" onSubmit={submit}>
      <fieldset>
        <legend>
          <Inline text={pick(question.question)} />{' '}
          {several ? <span className="quiet">{words.several}</span> : null}
        </legend>
        {question.answers.map((answer) => (
          <Choice
            key={answer.id}
            answer={answer}
            several={several}
            chosen={chosen.has(answer.id)}
            remark={checked ? remarkOn(question, chosen, answer) : null}
            name={name}
            onChoose={() => another(answer.id)}
          />
        ))}
      </fieldset>
      <p className="quiz-verdict" role="status" data-right={right}>
        {checked ? (right ? words.right : words.wrong) : ''}
      </p>
      <Button type="submit" aria-disabled={checked || chosen.size === 0}>
        {words.check}
      </Button>
    </form>
  );
}

function Choice(props: {
  readonly answer: Question['answers'][number];
  readonly several: boolean;
  readonly chosen: boolean;
  readonly remark: Remark;
  readonly name: string;
  readonly onChoose: () => void;
}) {
  const { answer, several, remark } = props;
  const { lang, pick } = useTexts();
  const words = quizStrings(lang);
  const because = useId();
  const said = { right: words.isRight, wrong: words.isWrong, lacking: words.isLacking };
  return (
    <div className="quiz-answer" data-remark={remark ?? undefined}>
      <label>
        <input
          type={several ? 'checkbox' : 'radio'}
          aria-describedby={remark === null ? undefined : because}
          checked={props.chosen}
          name={props.name}
          onChange={props.onChoose}
        />
        <span>
          <Inline text={pick(answer.text)} />
        </span>
      </label>
      {remark === null ? null : (
        <p id={because} className="quiz-because">
          <strong>{said[remark]}</strong> · <Inline text={pick(answer.because)} />
        </p>
      )}
    </div>
  );
}

function toggled(set: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(set);
  if (!next.delete(id)) next.add(id);
  return next;
}
