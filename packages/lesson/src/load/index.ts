export { lintLesson } from './lint.js';
export { lessonDirs, loadCourse, loadLesson, readLesson } from './load.js';
export { formatProblem, LessonError, type Problem } from './problem.js';
export { lessonJsonSchema } from './schema.js';
