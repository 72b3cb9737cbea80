/**
 * Steps through a container inside the learner's sandbox: Terrarium's example, a config that a
 * lesson gives, or a bundle that the learner has made. The plan enters the sandbox first and makes
 * the container with the sandbox's rights, so whatever a config says, it stays in there.
 */
import { dirname } from 'node:path';
import {
  ConfigError,
  containerPlan,
  type ExecTarget,
  existingGroups,
  killGroup,
  kindBelowRoot,
  readBelowRoot,
  removeGroup,
  sandboxFacts,
} from '@terrarium/engine';
import type { LocalText, StepperWhat } from '@terrarium/protocol';
import { type RuntimeConfig, runtimeConfig } from '@terrarium/spec';
import { errnoMeaning, SyscallError } from '@terrarium/syscall';
import { exampleContainer } from './example-container.js';
import { type PlanSource, type PreparedPlan, StepperRefused } from './plan-source.js';

/** A config.json of this size would be machine-made; bytes. */
const MOST_CONFIG_BYTES = 256 * 1024;

/** A group of its own below the sandbox's; a learner's `linux.cgroupsPath` must look like this, too. */
const GROUP = /^\/?[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}(\/[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}){0,7}$/;

interface Wanted {
  readonly config: RuntimeConfig;
  readonly bundle: string;
  readonly title: LocalText;
}

/** @see the file's header; `prepare` makes nothing, the session runs the plan */
export class ContainerSource implements PlanSource {
  #count = 0;

  prepare(target: ExecTarget, what: StepperWhat): PreparedPlan {
    const { config, bundle, title } = wantedBy(target, what);
    const id = this.#freeId(target);
    const group = groupOf(config, id);
    const below = `${target.cgroupsPath}/${group}`;
    if (existingGroups(target.facts.cgroups, below).length > 0) {
      throw new StepperRefused(`linux.cgroupsPath: there is a cgroup /${group} already`);
    }
    const { plan } = refusing(() =>
      containerPlan({
        id,
        config: { ...config, linux: { ...config.linux, cgroupsPath: `/${group}` } },
        bundle,
        facts: sandboxFacts(target),
        sandbox: target,
        sourceKind: (source) => kindBelowRoot(target.initPid, source),
      }),
    );
    return {
      plan,
      title,
      undo: async () => {
        await killGroup(target.facts.cgroups, below);
        await removeGroup(target.facts.cgroups, below);
      },
    };
  }

  /** A daemon that was killed may have left groups in the sandbox; they go with the sandbox. */
  #freeId(target: ExecTarget): string {
    for (;;) {
      const id = `stepped-${++this.#count}`;
      const group = `${target.cgroupsPath}/${id}`;
      if (existingGroups(target.facts.cgroups, group).length === 0) return id;
    }
  }
}

function wantedBy(target: ExecTarget, what: StepperWhat): Wanted {
  switch (what.kind) {
    case 'container':
      return {
        config: exampleContainer(),
        bundle: '/',
        title: { en: 'A busybox container', zh: '一个 busybox 容器' },
      };
    case 'config':
      return {
        config: parsed(what.config, 'the given configuration'),
        bundle: what.bundle ?? '/',
        title: { en: 'The container of this lesson', zh: '本课的容器' },
      };
    case 'bundle': {
      const file = what.path.endsWith('.json') ? what.path : `${what.path}/config.json`;
      return {
        config: readConfig(target, file),
        bundle: dirname(file),
        title: { en: `The container of ${file}`, zh: `${file} 描述的容器` },
      };
    }
    case 'exec':
      throw new StepperRefused('not a container');
  }
}

function readConfig(target: ExecTarget, file: string): RuntimeConfig {
  let json: unknown;
  try {
    json = JSON.parse(readBelowRoot(target.initPid, file, MOST_CONFIG_BYTES));
  } catch (error) {
    throw new StepperRefused(`${file}: ${reasonOf(error)}`);
  }
  return parsed(json, file);
}

function reasonOf(error: unknown): string {
  if (error instanceof SyscallError) return `${error.code} (${errnoMeaning(error.errno)})`;
  return (error as Error).message;
}

function parsed(json: unknown, name: string): RuntimeConfig {
  const result = runtimeConfig.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new StepperRefused(
    `${name}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`,
  );
}

function groupOf({ linux }: RuntimeConfig, id: string): string {
  const given = linux?.cgroupsPath;
  if (given === undefined || given === '') return id;
  if (!GROUP.test(given)) throw new StepperRefused(`linux.cgroupsPath: ${given} is no plain path`);
  return given.replace(/^\//, '');
}

/** Every field that is not supported has its name and its reason: for the learner to read. */
function refusing<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof ConfigError) throw new StepperRefused(error.message);
    throw error;
  }
}
