export { FIGURE_BYTES, FIGURE_FILE, readFigure, writeFigure } from './figure.js';
export { lintLesson } from './lint.js';
export { lessonDirs, loadCourse, loadLesson, readLesson } from './load.js';
export {
  type CgroupVersion,
  cgroupVersion,
  type Machine,
  machineLacks,
  thisMachine,
} from './machine.js';
export { formatProblem, LessonError, type Problem } from './problem.js';
export { lessonJsonSchema } from './schema.js';
