export { projections } from './projections.ts';
