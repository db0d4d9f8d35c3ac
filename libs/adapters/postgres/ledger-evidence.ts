import type { LedgerEvidence, LedgerPartition, LedgerTile } from '#ports';
import type { TextRow } from './database.ts';

/**
 * Which tiles an inclusion proof may take (C2SP tlog-tiles): of each level the one on the way from the leaf to the root, and the one at the
 * right edge of the signed tree. They are looked up one by one, whatever a plan thinks of how many there may be.
 */
function evidence(place: string): string {
  return `
    WITH place AS (${place}),
    signed AS (SELECT size, note FROM streams.ledger_checkpoints WHERE topic = $1 AND partition = $2 ORDER BY size DESC LIMIT 1),
    wanted AS (
      SELECT level, index >> (8 * level) AS index FROM place, generate_series(0, 6) AS level
      UNION SELECT level, size >> (8 * level + 8) FROM place, signed, generate_series(0, 6) AS level)
    SELECT 'place', index, first_offset, NULL::bigint, NULL FROM place
    UNION ALL SELECT 'checkpoint', size, NULL, NULL, note FROM signed
    UNION ALL SELECT 'tile', wanted.level, wanted.index, tile.width, encode(tile.hashes, 'base64') FROM wanted CROSS JOIN LATERAL (
      SELECT width, hashes FROM streams.ledger_tiles
      WHERE topic = $1 AND partition = $2 AND ledger_tiles.level = wanted.level AND ledger_tiles.index = wanted.index LIMIT 1) AS tile`;
}

export const evidenceByIndex = {
  name: 'ledger_evidence',
  text: evidence('SELECT index, first_offset FROM streams.ledger_tiles WHERE topic = $1 AND partition = $2 AND level = 0 AND index = $3::bigint'),
};

/** As the store's `placeOf` finds it. */
export const evidenceByOffset = {
  name: 'ledger_evidence_of',
  text: evidence(`
    SELECT index, first_offset FROM streams.ledger_tiles AS tile JOIN streams.ledger_trees AS tree USING (topic, partition)
    WHERE topic = $1 AND partition = $2 AND level = 0 AND first_offset <= $3::bigint AND tree.last_offset >= $3::bigint
    ORDER BY first_offset DESC, index DESC LIMIT 1`),
};

export function evidenceOf({ topic, partition }: LedgerPartition, rows: readonly TextRow[]): LedgerEvidence {
  let [place, checkpoint]: [LedgerEvidence['place'], LedgerEvidence['checkpoint']] = [undefined, undefined];
  const tiles: LedgerTile[] = [];
  for (const [kind, first, second, width, text] of rows) {
    if (kind === 'place') place = { index: Number(first), firstOffset: BigInt(second ?? 0) };
    else if (kind === 'checkpoint') checkpoint = { topic, partition, size: Number(first), note: text ?? '' };
    else tiles.push({ level: Number(first), index: Number(second), width: Number(width), hashes: Buffer.from(text ?? '', 'base64') });
  }
  return { place, checkpoint, tiles };
}
