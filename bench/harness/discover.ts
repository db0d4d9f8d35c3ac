import { readdir } from 'node:fs/promises';
import type { Bench } from './bench.ts';

const suffix = '.bench.js';

/** Names of the benchmarks in a folder of compiled files, sorted. */
export async function benchNames(folder: URL): Promise<readonly string[]> {
  const files = await readdir(folder);
  return files
    .filter((file) => file.endsWith(suffix))
    .map((file) => file.slice(0, -suffix.length))
    .sort();
}

export async function loadBench(folder: URL, name: string): Promise<Bench> {
  const module = (await import(new URL(`${name}${suffix}`, folder).href)) as { bench?: Bench };
  if (module.bench === undefined) throw new Error(`bench/${name}.bench.ts exports no "bench"`);
  return module.bench;
}
