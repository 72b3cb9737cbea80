export * from './cgroups-path.js';
export * from './devices/program.js';
export * from './devices/rules.js';
export * from './driver.js';
export { childGroupsOf, processesOf } from './files.js';
export * from './freeze.js';
export * from './group.js';
export * from './layout.js';
export * from './prepare.js';
export * from './remove.js';
export {
  type PlacedWrite,
  problemText,
  resourcesProblems,
  type Translation,
  translateResources,
} from './resources/translate.js';
export * from './stats/spellings.js';
export * from './stats/stats.js';
export * from './stats/types.js';
export * from './types.js';
export {
  takeBack,
  UpdateError,
  type UpdateWrite,
  updateWrites,
  writeUpdate,
} from './update/update.js';
export { threadedProblem } from './v2.js';
export * from './watch.js';
