import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench } from './harness/index.ts';
import { measureAppend } from './ledger/append.ts';
import { measureVerify } from './ledger/verify.ts';

const goals = { append: 100_000, proofMs: 5, verifySec: 20 } as const;
const million = 1_000_000;

export const bench: Bench = {
  name: 'ledger',
  summary: 'the audit ledger: taking records in, beside SHA-256 of the same bytes; proofs; verifying a bundle offline',
  async run(context) {
    const folder = await mkdtemp(join(tmpdir(), 'bench-ledger-'));
    try {
      const { append, fromLog, plain, proofP50, proofP99, byIdP99 } = await measureAppend(folder, context.quick ? 100_000 : 400_000);
      context.row('records per second', 'ledger', 'plain SHA-256', 'share');
      context.row('in memory to tiles in PostgreSQL', append, plain, append / plain);
      context.row('embedded log to tiles in PostgreSQL', fromLog, plain, fromLog / plain);
      context.bar('ledger.append', append, '1/s', `>= ${goals.append}`, append >= goals.append, plain);
      context.bar('ledger.append.from-log', fromLog, '1/s', 'stated', true, plain);
      context.row('inclusion proof, ms', `p50 ${proofP50.toFixed(2)}`, `p99 ${proofP99.toFixed(2)}`, `by event id, p99 ${byIdP99.toFixed(2)}`);
      context.bar('ledger.proof.p99', proofP99, 'ms', `<= ${goals.proofMs}`, proofP99 <= goals.proofMs);
      context.bar('ledger.proof.by-id.p99', byIdP99, 'ms', 'stated', true);
      const count = context.quick ? 200_000 : million;
      const seconds = (await measureVerify(folder, count)) * (million / count);
      context.row('verify a million records offline, s', seconds.toFixed(1), `measured with ${count}`, '');
      context.bar('ledger.verify.million', seconds, 's', `<= ${goals.verifySec}`, seconds <= goals.verifySec);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};
