export * from './devices/program.js';
export * from './devices/rules.js';
export * from './driver.js';
export { childGroupsOf, processesOf } from './files.js';
export * from './layout.js';
export * from './remove.js';
export {
  type PlacedWrite,
  problemText,
  resourcesProblems,
  type Translation,
  translateResources,
} from './resources/translate.js';
export * from './types.js';
