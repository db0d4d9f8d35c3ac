export { causal, mvRegister, orSet, type Causal, type Write } from './causal.core.ts';
export { contextOf, hasSeen, joinContexts, nextDot, nothingSeen, type CausalContext, type Dot } from './causal-context.core.ts';
export { add, gCounter, increment, pnCounter, valueOf, type PnCounts } from './counter.core.ts';
export { compareHlc, hlcCounterMax, hlcReceive, hlcStart, hlcText, hlcTick, parseHlc, type HlcTime } from './hlc.core.ts';
export { joinAll, type Lattice } from './lattice.core.ts';
export { enumLattice, lwwRegister, maxRegister, type LwwState } from './register.core.ts';
