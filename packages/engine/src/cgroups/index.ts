export * from './driver.js';
export { childGroupsOf, processesOf } from './files.js';
export * from './layout.js';
export * from './remove.js';
