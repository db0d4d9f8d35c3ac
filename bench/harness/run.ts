import { mkdir, writeFile } from 'node:fs/promises';
import type { Bar, Bench } from './bench.ts';
import { Recorder } from './recorder.ts';
import { table } from './report.ts';

/** Runs one benchmark, prints its table and writes `NAME.json` into `results`. */
export async function runBench(bench: Bench, quick: boolean, results: URL): Promise<readonly Bar[]> {
  process.stdout.write(`\n${bench.name}: ${bench.summary}\n`);
  const recorder = new Recorder(quick);
  await bench.run(recorder);
  if (recorder.rows.length > 0) process.stdout.write(`${table(recorder.rows)}\n`);
  await mkdir(results, { recursive: true });
  const file = new URL(`${bench.name}.json`, results);
  await writeFile(file, `${JSON.stringify({ name: bench.name, bars: recorder.bars }, undefined, 2)}\n`);
  return recorder.bars;
}
