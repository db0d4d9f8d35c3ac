export { spliceProblem, spliceSectionOf, type SpliceSection } from './splice-section.core.ts';
