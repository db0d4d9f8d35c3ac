import { openEngines } from '#adapters/engines';
import { hasCode } from '#kernel';
import { readSharedSettings } from '#runtime';
import { setTimeout as sleep } from 'node:timers/promises';
import { oracleTopic } from './oracle-log.ts';

/**
 * Appends for as long as it lives, and tells on standard output what was acknowledged to it: `fact <first> <count>` under
 * its producer, whose sequences begin at 0 in every epoch, `plain <first> <count>` without one. Arguments: name, epoch.
 */
const [name, epoch] = process.argv.slice(2) as [string, string];
const { log } = await openEngines(readSharedSettings(), 'log');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Sizes of appends in turn. */
const sizes = [1, 4, 17, 1, 2, 60];
/** So that the log of a long run can be held in memory. */
const restMs = 10;
let [facts, plains] = [0, 0];

function records(kind: string, first: number, count: number): Array<{ key: string; headers: Record<string, string>; value: string }> {
  return Array.from({ length: count }, (_, at) => ({
    key: `${name}-${(first + at) % 5}`,
    headers: { writer: name, kind, epoch },
    value: `${name}/${kind}/${epoch}/${first + at}`,
  }));
}

/** The same sequence again and again until it is known what became of it, as the platform's publishers do. */
async function appendFact(count: number): Promise<void> {
  const batch = records('fact', facts, count);
  for (;;) {
    try {
      await log.append(oracleTopic, batch, { producer: { id: name, epoch: BigInt(epoch), sequence: BigInt(facts) } });
      say(`fact ${facts} ${count}`);
      facts += count;
      return;
    } catch (error) {
      if (hasCode(error, 'PRODUCER_FENCED')) {
        say('fenced');
        process.exit(0);
      }
      if ((error as { retryable?: unknown }).retryable !== true) throw error;
      say(`retry ${(error as Error).message}`);
      await sleep(50);
    }
  }
}

/** Once: what failed may be on the log or not. */
async function appendPlain(count: number): Promise<void> {
  const first = plains;
  plains += count;
  try {
    await log.append(oracleTopic, records('plain', first, count));
    say(`plain ${first} ${count}`);
  } catch (error) {
    if ((error as { retryable?: unknown }).retryable !== true) throw error;
    say(`unknown ${(error as Error).message}`);
  }
}

say('ready');
for (let turn = 0; ; turn++) {
  const count = sizes[turn % sizes.length] as number;
  await Promise.all([appendFact(count), turn % 3 === 0 ? appendPlain(count) : undefined]);
  await sleep(restMs);
}
