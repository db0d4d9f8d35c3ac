import type { Engines } from '#adapters/engines';
import { ledgerName, LedgerSigners } from '#adapters/ledger';
import { edgeTable } from '#domain/edge';
import { contexts } from '#events';
import { hasCode } from '#kernel';
import type { ReadCondition, ReadRow, ReadStore } from '#ports';
import type { LeasedWorkerDeps, LedgerSettings } from '#runtime';
import { LedgerKeeper } from './ledger-keeper.ts';
import { WitnessRounds, type WitnessEdge } from './witness-rounds.ts';

export interface LedgerPartsInit {
  readonly owner: string;
  readonly settings: LedgerSettings;
}

/** The keeper of the audit ledger, and who brings its checkpoints to the edges. */
export interface LedgerParts {
  readonly keeper: LedgerKeeper;
  readonly rounds: WitnessRounds;
}

const edgesMax = 1000;

export function ledgerParts(
  { owner, settings }: LedgerPartsInit,
  engines: Engines<'log' | 'database'>,
  seen: Pick<LeasedWorkerDeps, 'logger' | 'health' | 'board'>,
): LedgerParts {
  const { logger } = seen;
  const { log, leases, ledger: store, secrets, reads, clock } = engines;
  const now = (): number => clock.now();
  const signersOf = async (count: number): Promise<LedgerSigners> => {
    const name = settings.name ?? (await ledgerName(secrets));
    return settings.keyFile === undefined ? LedgerSigners.fromSecrets(name, secrets, count) : LedgerSigners.fromFile(name, settings.keyFile);
  };
  const rounds = new WitnessRounds({ store, edges: () => knownEdges(reads), namesakes: (edgeId) => namesakes(reads, edgeId), logger, now });
  const keeper = new LedgerKeeper(
    { owner, topics: contexts, checkpointMs: settings.checkpointMs, checkpointRecords: settings.checkpointRecords },
    { ...seen, log, store, leases, signersOf, now, onSigned: (checkpoints) => rounds.offer(checkpoints) },
  );
  return { keeper, rounds };
}

/** The edges of this region; the processes of one edge have one witness, under the edge's name. */
function knownEdges(reads: ReadStore): Promise<readonly WitnessEdge[]> {
  // Edges of other regions witness their own region's ledger, and do not know this one.
  return selectEdges(reads, [{ column: 'origin', is: 'eq', value: '' }]);
}

function namesakes(reads: ReadStore, edgeId: string): Promise<readonly WitnessEdge[]> {
  // Text is compared by its bytes: whatever is not empty is greater.
  return selectEdges(reads, [
    { column: 'edge_id', is: 'eq', value: edgeId },
    { column: 'origin', is: 'gt', value: '' },
  ]);
}

async function selectEdges(reads: ReadStore, where: readonly ReadCondition[]): Promise<readonly WitnessEdge[]> {
  try {
    const rows = await reads.select(edgeTable, { where, limit: edgesMax });
    return rows.filter(isWholeEdge).map((row) => ({ edgeId: String(row['edge_id']), url: String(row['url']) }));
  } catch (error) {
    // The read model of a new platform is on its way.
    if (hasCode(error, 'TABLE_UNKNOWN')) return [];
    throw error;
  }
}

/** Rows of a version that told no node are of edges of one process. */
function isWholeEdge({ edge_id: edgeId, node }: ReadRow): boolean {
  return node === null || node === undefined || node === edgeId;
}
