import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What to prove: a ledger in PostgreSQL, and the embedded log that it is of. */
export interface ProofOrder {
  readonly url: string;
  readonly logPath: string;
  readonly count: number;
}

export interface ProofTimes {
  readonly proofP50: number;
  readonly proofP99: number;
  readonly byIdP99: number;
}

const main = fileURLToPath(new URL('./proofs.main.js', import.meta.url));

/**
 * Times proofs in a process of their own, as gateways serve them: this one has taken in a log out of memory, and its collections of a gigabyte of
 * garbage would be timed with them.
 */
export async function proofsOf(order: ProofOrder): Promise<ProofTimes> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`The proofs ended with ${code}.`);
  return JSON.parse(out) as ProofTimes;
}
