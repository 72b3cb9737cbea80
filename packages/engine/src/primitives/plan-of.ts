/**
 * Primitives → a plan: how the process gets where they happen, the primitives in order, and what
 * becomes of it. Pure.
 *
 *   host     outside ─▶ (own mount namespace) ─▶ primitives ─▶ end
 *   sandbox  outside ─▶ join-sandbox.ts ─▶ member: prepare ─▶ confined, root ─▶ write ─▶ end
 */
import { CLONE, flagged, MS, type Plan, PlanBuilder, type ProcessName } from '@terrarium/syscall';
import { DEFAULT_ENV } from '../exec-plan.js';
import type { HostFacts } from '../host-facts.js';
import { execute } from '../plan/execute.js';
import { type ExecTarget, joinCgroupNamespace, joinSandbox } from '../plan/join-sandbox.js';
import { purpose, Script } from '../plan/script.js';
import {
  placeStandardFiles,
  type StandardFiles,
  type Stdio,
  takeStdio,
} from '../plan/standard-files.js';
import type { PreparedPrimitive } from './primitive.js';
import { Room } from './room.js';

/** Where a primitive happens, and what becomes of the process then. */
export interface PrimitiveContext {
  readonly facts: HostFacts;
  /** inside this sandbox, with a learner's powers; without: on the host, as its root */
  readonly sandbox?: ExecTarget;
  /** on the host: in a mount namespace of its own (the default), or in the host's */
  readonly mounts?: 'own' | 'shared';
  readonly end?: PrimitiveEnd;
}

/** What the process does in the end. */
export type PrimitiveEnd =
  /** ends: what is not held by something else goes with it */
  | { readonly kind: 'exit' }
  /** stays as a process without fds, until it is killed */
  | { readonly kind: 'stay' }
  /** stays with the fds that it has opened; the plan's run ends all the same */
  | { readonly kind: 'hold' }
  | {
      readonly kind: 'exec';
      readonly args: readonly string[];
      readonly env?: Readonly<Record<string, string>>;
      readonly stdio?: Stdio;
    };

/** A plan, and the process that it leaves: `result.hostPids[plan.subject]`. */
export interface PrimitivePlan extends Plan {
  readonly subject: ProcessName;
}

/** Makes the plan of several primitives, one after the other in the same process. */
export function writePlan(
  primitives: readonly PreparedPrimitive[],
  context: PrimitiveContext,
): PrimitivePlan {
  const names = primitives.map(({ name }) => name).join(', ');
  const where = context.sandbox === undefined ? 'the host' : `sandbox ${context.sandbox.id}`;
  const builder = new PlanBuilder(`${names} in ${where}`);
  const outside = new Script(builder, 'outside', builder.slot('fd'));
  const end = context.end ?? { kind: 'exit' };
  const files = end.kind === 'exec' ? takeStdio(outside, end.stdio) : null;
  const script =
    context.sandbox === undefined
      ? stayOutside(outside, context)
      : enterSandbox(outside, context.sandbox);
  const room = new Room(script, context.facts, context.sandbox ?? null);
  const writers = primitives.map((one) => one.prepare(room));
  room.becomeRoot();
  for (const write of writers) write();
  writeEnd(room.script, end, files);
  return { ...builder.build(), subject: room.script.process };
}

function stayOutside(script: Script, { mounts = 'own' }: PrimitiveContext): Script {
  if (mounts === 'shared') return script;
  const why = purpose(
    'own-mounts',
    'try it in a mount namespace of its own, so that the host’s mounts stay as they are',
    '在自己的挂载命名空间里尝试，宿主机的挂载保持不变',
  );
  script.call('unshare', [flagged(CLONE, 'CLONE_NEWNS')], why);
  script.call('mount', [0, '/', 0, flagged(MS, 'MS_REC', 'MS_PRIVATE'), 0], why, {
    display: 'mount(NULL, "/", NULL, MS_REC|MS_PRIVATE, NULL)',
  });
  return script;
}

function enterSandbox(outside: Script, sandbox: ExecTarget): Script {
  const init = joinSandbox(outside, sandbox, 'member');
  const member = new Script(outside.builder, 'member', outside.builder.slot('memberFd'));
  joinCgroupNamespace(member, init);
  return member;
}

function writeEnd(script: Script, end: PrimitiveEnd, files: StandardFiles | null): void {
  const stay = purpose('stay', 'stay, so that it can be looked at', '留下来，以便查看');
  switch (end.kind) {
    case 'exit':
      return;
    case 'stay':
      script.builder.becomeInit(script.process, stay);
      return;
    case 'hold':
      script.builder.detach(script.process, stay);
      // No files to wait for and no time: until a signal.
      script.call('ppoll', [0, 0, 0, 0, 0], stay);
      return;
    case 'exec': {
      if (files !== null) placeStandardFiles(script, files);
      const env = Object.entries({ ...DEFAULT_ENV, ...end.env });
      execute(
        script,
        end.args,
        env.map(([name, value]) => `${name}=${value}`),
      );
    }
  }
}
