import pg from 'pg';

const batchRows = 5000;

const table = `CREATE TABLE plain_segment (
  stream_id text, rendition text, media_sequence bigint, session_id text, cid text, size_bytes bigint, init_cid text, init_size_bytes bigint,
  duration_us bigint, start_us bigint, program_date_time_ms bigint, discontinuity boolean, epoch bigint, produced_at_ms bigint,
  PRIMARY KEY (stream_id, rendition, media_sequence))`;

const types = ['text', 'text', 'bigint', 'text', 'text', 'bigint', 'text', 'bigint', 'bigint', 'bigint', 'bigint', 'boolean', 'bigint', 'bigint'];

const upsert = `INSERT INTO plain_segment SELECT * FROM unnest(${types.map((type, at) => `$${at + 1}::${type}[]`).join(', ')})
  ON CONFLICT (stream_id, rendition, media_sequence) DO UPDATE SET cid = excluded.cid, size_bytes = excluded.size_bytes, duration_us = excluded.duration_us`;

/** The columns of rows that somebody has already read, decoded and folded. */
function columns(from: number): unknown[][] {
  const rows = Array.from({ length: batchRows }, (_, at) => {
    const n = from + at;
    const cid = 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
    return [
      `st-${n % 20_000}`,
      `r${Math.floor(n / 20_000)}`,
      0,
      '01926f4e-7d3a-7000-8000-000000000001',
      cid,
      640_000,
      cid,
      800,
      2_000_000,
      0,
      1_790_000_000_000,
      false,
      1,
      1_790_000_000_000,
    ];
  });
  return types.map((_, column) => rows.map((row) => row[column]));
}

/** What the database can do when nobody else works: the peer of the projection. Rows per second, one connection. */
export async function plainUpserts(url: string, count: number): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(table);
    await client.query('CREATE TABLE plain_checkpoint (position bigint)');
    await client.query('INSERT INTO plain_checkpoint VALUES (0)');
    const started = performance.now();
    for (let from = 0; from < count; from += batchRows) {
      await client.query('BEGIN');
      await client.query({ name: 'plain', text: upsert, values: columns(from) });
      await client.query('UPDATE plain_checkpoint SET position = $1 WHERE position = $2', [from + batchRows, from]);
      await client.query('COMMIT');
    }
    return (count / (performance.now() - started)) * 1000;
  } finally {
    await client.end();
  }
}
