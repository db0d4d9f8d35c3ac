export { aggregates } from './aggregates.ts';
export { discarded, type DiscardedPlace } from './discarded.ts';
export { readRegistryRows, type RegistryReads } from './edge-registry.ts';
export { projections } from './projections.ts';
