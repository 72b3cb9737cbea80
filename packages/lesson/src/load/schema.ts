/**
 * The schema of lesson.yaml. The descriptions are the manual: editors show them, through
 * lessons/lesson.schema.json, which `terrarium lesson schema` writes from here.
 */
import { z } from 'zod';
import { CONTAINED, SUBJECT_KINDS, type SubjectKind } from '../check.js';
import { VIEW_NAMES } from '../types.js';

const slug = z.string().regex(/^[a-z][a-z0-9-]{0,47}$/, 'must be a slug: a-z, 0-9 and -');
const path = z
  .string()
  .regex(/^[a-z][A-Za-z0-9]*(\.-?[A-Za-z0-9]+)*$/, 'must be a path such as p.namespaces.pid')
  .describe('variable.field.field, e.g. p.namespaces.pid, p.parent.comm, sandbox.init, n.members');
const variable = z
  .string()
  .regex(/^[a-z][A-Za-z0-9]*$/, 'must be a short name such as p')
  .describe('the name by which later conditions and clauses speak of it');
const literal = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const comparators = {
  equals: literal.optional().describe('the field has this value'),
  notEquals: literal.optional().describe('the field has another value, or none'),
  oneOf: z.array(literal).min(1).optional().describe('the field has one of these values'),
  atLeast: z.number().optional().describe('the field is this number or greater'),
  atMost: z.number().optional().describe('the field is this number or less'),
  endsWith: z
    .array(literal)
    .min(1)
    .optional()
    .describe('the list ends so: p.pids endsWith [1] is PID 1 of its pid namespace'),
  includes: literal.optional().describe('the list has this element, or the text this part'),
  sameAs: path.optional().describe('the other path leads to the same value'),
  differsFrom: path.optional().describe('the other path leads to another value'),
};
const COMPARATORS = Object.keys(comparators);

const SUBJECTS: Readonly<Record<SubjectKind, string>> = {
  process: 'any process of the sandbox',
  namespace: 'any namespace the sandbox knows',
  mount: 'any mount of the mount namespace named by `in`',
  cgroup: 'any control group below the sandbox’s own, and that itself (/)',
  overlay: 'any overlay file system',
  entry: 'any file of a layer of the overlay named by `in`',
  link: 'any network interface',
  listener: 'any socket that waits for connections',
  call: 'any of the newest taped system calls',
  command: 'any of the newest command lines',
};

const subject = z
  .strictObject({
    ...(Object.fromEntries(
      SUBJECT_KINDS.map((kind) => [kind, variable.optional().describe(SUBJECTS[kind])]),
    ) as Record<SubjectKind, z.ZodOptional<z.ZodString>>),
    in: path.optional().describe('mounts: whose, p.namespaces.mnt; entries: of which overlay, o'),
  })
  .describe('what is looked for, and the variable that stands for it')
  .superRefine((value, context) => {
    const given = SUBJECT_KINDS.filter((kind) => kind in value);
    const [kind] = given;
    if (kind === undefined || given.length !== 1) {
      context.addIssue(`name exactly one of ${SUBJECT_KINDS.join(', ')}`);
      return;
    }
    const within = CONTAINED[kind];
    if ((within !== undefined) !== 'in' in value) {
      context.addIssue(
        within === undefined
          ? `no \`in\` goes with ${kind}`
          : `\`in\` goes with ${kind}: { ${kind}: ${kind[0]}, in: ${within} }`,
      );
    }
  });

/** One condition. All kinds share one object, so that the messages can say what is missing. */
const condition: z.ZodType<Record<string, unknown>> = z
  .strictObject({
    field: path.optional(),
    ...comparators,
    get any(): z.ZodOptional<z.ZodArray<typeof condition>> {
      return z.array(condition).min(1).optional().describe('one of these holds');
    },
    get not(): z.ZodOptional<typeof condition> {
      return condition.optional().describe('this does not hold');
    },
    exists: subject.optional(),
    notExists: subject.optional(),
    count: subject.optional(),
    exactly: z.number().int().optional().describe('with count: so many'),
    get where(): z.ZodOptional<z.ZodArray<typeof condition>> {
      return z.array(condition).optional().describe('all of these hold for it');
    },
  })
  .superRefine((value, context) => {
    const problem = conditionProblem(value);
    if (problem !== null) context.addIssue(problem);
  })
  .describe('a comparison { field, operator: value }, or any / not / exists / notExists / count');

function conditionProblem(value: Readonly<Record<string, unknown>>): string | null {
  const heads = ['field', 'any', 'not', 'exists', 'notExists', 'count'].filter((k) => k in value);
  if (heads.length !== 1) {
    return 'a condition has exactly one of field, any, not, exists, notExists, count';
  }
  const operators = [...COMPARATORS, 'exactly'].filter((key) => key in value);
  const wanted = heads[0] === 'field' || heads[0] === 'count' ? 1 : 0;
  if (operators.length !== wanted) {
    return wanted === 1
      ? `exactly one operator goes with ${heads[0]}, there are ${operators.length}`
      : `no operator goes with ${heads[0]}`;
  }
  if (heads[0] === 'field' && 'exactly' in value) return 'exactly goes with count';
  if (heads[0] === 'count' && !['atLeast', 'atMost', 'exactly'].includes(operators[0] ?? '')) {
    return 'count goes with atLeast, atMost or exactly';
  }
  return null;
}

const where = z.array(condition).describe('all of these hold for it');
const clause = z
  .strictObject({
    id: slug.describe('names the message in en.md and zh.md, below "### messages"'),
    exists: subject.optional().describe('there is such an object; later clauses may use the name'),
    remember: z
      .boolean()
      .optional()
      .describe('with exists: once seen it counts as found, even when it is gone later'),
    notExists: subject.optional().describe('there is no such object'),
    count: subject.optional().describe('there are so many such objects'),
    atLeast: z.number().int().optional(),
    atMost: z.number().int().optional(),
    exactly: z.number().int().optional(),
    where: where.optional(),
    that: z.array(condition).min(1).optional().describe('all of these hold for what is bound'),
  })
  .superRefine((value, context) => {
    const heads = ['exists', 'notExists', 'count', 'that'].filter((key) => key in value);
    if (heads.length !== 1) {
      context.addIssue('a clause has exactly one of exists, notExists, count, that');
    } else if ('that' in value && 'where' in value) {
      context.addIssue('where goes with exists, notExists or count');
    } else if ('remember' in value && !('exists' in value)) {
      context.addIssue('remember goes with exists');
    }
    const amounts = ['atLeast', 'atMost', 'exactly'].filter((key) => key in value).length;
    if (amounts !== ('count' in value ? 1 : 0)) {
      context.addIssue('count, and only count, goes with one of atLeast, atMost, exactly');
    }
  });

const terminal = z
  .union([z.literal(1), z.literal(2)])
  .default(1)
  .describe('1: the first terminal, 2: the second, opened when needed');
const cgroup = z
  .enum(['v1', 'v2'])
  .optional()
  .describe('only on machines whose controllers stand in this version’s hierarchy');
const command = z
  .union([
    z.string(),
    z.strictObject({ line: z.string().describe('typed, then Enter'), terminal, cgroup }),
    z.strictObject({ key: z.string().describe('a chord such as C-c'), terminal, cgroup }),
  ])
  .describe('a line for terminal 1, or { line, terminal, cgroup } or { key, terminal, cgroup }');
const commands = z.array(command);

const predict = z
  .strictObject({
    kind: z
      .enum(['number', 'choice', 'pick'])
      .describe('pick: the learner points at a node of `view`'),
    view: z
      .enum(['processes', 'namespaces', 'mounts', 'cgroups', 'layers', 'network'])
      .optional()
      .describe('with pick: where to point'),
    choices: z
      .array(slug)
      .min(2)
      .optional()
      .describe('with choice: ids; their texts stand below "### choices"'),
    actual: z
      .strictObject({
        of: variable.describe('a variable that the check binds, or sandbox'),
        field: z
          .string()
          .optional()
          .describe('path inside it, e.g. sandboxPid; with pick one to an object, or none'),
        cases: z
          .array(z.strictObject({ ...comparators, answer: slug }))
          .min(1)
          .optional()
          .describe('with choice: the first case that fits names the answer'),
      })
      .describe('asked of the kernel once the check is green'),
  })
  .superRefine(({ kind, view, actual }, context) => {
    if ((kind === 'pick') !== (view !== undefined)) context.addIssue('view goes with kind: pick');
    if (kind !== 'pick' && actual.field === undefined) context.addIssue('actual names no field');
    if (kind === 'pick' && actual.cases !== undefined) context.addIssue('no cases go with pick');
  });

const feature = z
  .string()
  .regex(/^[a-z][a-z0-9.-]*$/, 'must be a feature such as namespace.pid or kernel.6.6')
  .describe('a finding of `terrarium doctor`, kernel.6.6 (that or newer), cgroup.v1 or cgroup.v2');
const features = z.array(feature);

const step = z.strictObject({
  id: slug.describe('the heading "## Title {#id}" of its prose'),
  view: z.enum(VIEW_NAMES).describe('the live view that the step opens'),
  commands: commands.min(1).describe('what Run types'),
  predict: predict.optional().describe('asked before Run, graded by the kernel'),
  check: z.array(clause).min(1).describe('all clauses must hold, under one choice of variables'),
  once: z.boolean().default(false).describe('true: stays green; false: can turn red again'),
  breakIt: z.boolean().default(false).describe('a fault that is safe here'),
  requires: features.default([]).describe('of this step alone; without them it is not required'),
  setup: commands
    .default([])
    .describe('typed into a fresh sandbox by Reset step: leads to where this step begins'),
  solution: commands.optional().describe('what Solution shows; as `commands` when left out'),
  wrong: z
    .array(
      z.strictObject({
        name: slug.describe('the mistake, e.g. forgets-fork'),
        commands: commands.min(1),
        clause: slug
          .optional()
          .describe('the clause that must then be the first to fail; without it, any'),
      }),
    )
    .default([])
    .describe('plausible mistakes: each must keep the check red; the walkthrough tries them'),
});

const question = z
  .strictObject({
    id: slug.describe('the heading "## Question {#quiz-id}" in en.md and zh.md'),
    answers: z
      .array(slug)
      .min(2)
      .describe(
        'ids; their texts stand below "### choices", why each is right or not below "### because"',
      ),
    correct: z.array(slug).min(1).describe('those that are right; with several, all are asked for'),
  })
  .superRefine(({ answers, correct }, context) => {
    const unknown = correct.filter((id) => !answers.includes(id));
    if (unknown.length > 0) context.addIssue(`correct names no answer: ${unknown.join(', ')}`);
    if (answers.every((id) => correct.includes(id))) context.addIssue('no answer is wrong');
  });

/** lesson.yaml as a whole. */
export const lessonSchema = z
  .strictObject({
    minutes: z.number().int().min(1).max(120).describe('time a learner needs'),
    requires: z
      .array(feature)
      .default([])
      .describe('kernel features by the names of `terrarium doctor`, e.g. namespace.pid'),
    deeper: z
      .array(
        z.strictObject({
          id: slug.describe('names the sentence in en.md and zh.md, below "## … {#deeper}"'),
          kind: z.enum(['man', 'kernel', 'spec', 'source']),
          reference: z.string().describe('clone(2), a kernel document, a path of this project'),
        }),
      )
      .default([]),
    steps: z.array(step).min(1),
    quiz: z
      .array(question)
      .default([])
      .describe('asked when the steps are done; nothing depends on it'),
  })
  .describe('The machinery of a lesson. All prose stands in en.md and zh.md beside it.');
export type LessonFile = z.infer<typeof lessonSchema>;
export type StepFile = LessonFile['steps'][number];
export type QuestionFile = LessonFile['quiz'][number];
export type CommandFile = z.infer<typeof command>;

/** The front matter of en.md and zh.md. */
export const proseSchema = z.strictObject({
  title: z.string().min(1).max(80),
  summary: z.string().min(1).max(300).describe('one or two sentences for the course page'),
  objectives: z.array(z.string()).min(1).describe('what the learner can say afterwards'),
});

/** JSON schema of lesson.yaml, for editors. */
export function lessonJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(lessonSchema, { io: 'input' }), title: 'Terrarium lesson' };
}
