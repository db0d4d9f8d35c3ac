export { aggregates } from './aggregates.ts';
export { readRegistryRows, type RegistryReads } from './edge-registry.ts';
export { projections } from './projections.ts';
