export { readRegistryRows, type RegistryReads } from './edge-registry.ts';
export { projections } from './projections.ts';
