/**
 * What must be there before a container's plan may make its group: parents that hand controllers on,
 * and the knowledge that every limit can be set. The daemon runs this as root, on the host.
 */
import { existsSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LinuxResources } from '@terrarium/spec';
import { prepareParents } from './driver.js';
import { groupPath, withControlFiles } from './layout.js';
import { problemText, resourcesProblems, translateResources } from './resources/translate.js';
import type { CgroupLayout, ResourceProblem } from './types.js';
import { threadedProblem } from './v2.js';

/** `linux.resources` asks for what this host cannot do. */
export class ResourcesError extends Error {
  override readonly name = 'ResourcesError';
  readonly problems: readonly ResourceProblem[];

  constructor(problems: readonly ResourceProblem[]) {
    super(problems.map(problemText).join('; '));
    this.problems = problems;
  }
}

/** The ground for one group. */
export interface PreparedGroup {
  /** for the plan: knows the files that the new group will have */
  readonly layout: CgroupLayout;
  /** directories that were made for it, outermost first: the caller's to remove in the end */
  readonly made: readonly string[];
}

/**
 * Makes the parents of `group` and checks its limits.
 *
 * @throws ResourcesError naming each field that cannot be applied; Error when a parent is threaded or
 *   holds processes. Nothing is left behind then.
 */
export function prepareGroup(
  layout: CgroupLayout,
  group: string,
  resources: LinuxResources,
): PreparedGroup {
  const parent = dirname(group);
  refuseThreaded(layout, parent);
  const { controllers } = translateResources(layout, resources);
  const made = prepareParents(layout, parent, controllers);
  const known = withControlFiles(layout, parent);
  const problems = resourcesProblems(known, resources);
  if (problems.length === 0) return { layout: known, made };
  removeMade(made);
  throw new ResourcesError(problems);
}

/** Removes parents that prepareGroup has made, those that hold nothing else now. */
export function removeMade(made: readonly string[]): void {
  for (const directory of [...made].reverse()) {
    try {
      rmdirSync(directory);
    } catch {
      // EBUSY, ENOTEMPTY: another group lives there by now, and needs it; ENOENT: already gone
    }
  }
}

/** Before anything is made: a child of a threaded group could only be threaded, too. */
function refuseThreaded(layout: CgroupLayout, parent: string): void {
  for (const hierarchy of layout.hierarchies) {
    if (hierarchy.version === 1) continue;
    for (let path = parent; path !== '/'; path = dirname(path)) {
      const directory = groupPath(hierarchy, path);
      const problem = existsSync(directory) ? threadedProblem(directory) : undefined;
      if (problem !== undefined) throw new Error(problem);
    }
  }
}
