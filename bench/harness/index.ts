export type { Bar, Bench, BenchContext, Cell } from './bench.ts';
export { benchNames, loadBench } from './discover.ts';
export { Recorder, rounded } from './recorder.ts';
export { barLine, table } from './report.ts';
export { runBench } from './run.ts';
export { countPerSecond, quantile } from './measure.ts';
