export { CheckedLeaseStore } from './checked-lease-store.ts';
export { CheckedProjectionStore, type CheckedProjectionStoreInit } from './checked-projection-store.ts';
export { manyFaults, noFaults, type FaultPlan } from './fault-plan.ts';
export { SimEventLog } from './sim-event-log.ts';
export { SimNetwork } from './sim-network.ts';
export { SimProcess, type SimProcessInit } from './sim-process.ts';
export { Simulation } from './simulation.ts';
export { Violations } from './violations.ts';
