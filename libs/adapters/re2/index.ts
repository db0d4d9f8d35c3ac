export { compilePattern, patternProblem } from './compile-pattern.ts';
