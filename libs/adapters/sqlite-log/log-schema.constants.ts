/** `PRAGMA application_id` of our files: "STRL" in ASCII. */
export const applicationId = 0x5354524c;

/** `PRAGMA user_version`. Raised by every change that an older program could not read. */
export const schemaVersion = 1;

/** Offsets stay below this, so that `partition * offsetSpan + offset` is one exact number. */
export const offsetSpan = 2 ** 37;

/** Most partitions of all topics together; each has a table. */
export const partitionRefsMax = 4096;

/** The table of a partition's records. */
export function recordTableOf(ref: number): string {
  return `record_${ref}`;
}

export function recordTableSchema(ref: number): string {
  return `
CREATE TABLE ${recordTableOf(ref)} (
  offset INTEGER PRIMARY KEY,
  recorded_at INTEGER NOT NULL,
  key TEXT NOT NULL,
  names INTEGER NOT NULL,
  headers TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT`;
}

/**
 * The file. Any SQLite tool can look into it.
 *
 * - `record_<ref>` holds the records of a partition; `headers` are the values in the order of `header_names.names`, with U+001F between; with `names` 0, a JSON object.
 * - `log_id`, made when it is first asked for, tells this file from all others.
 * - `partition.low` is the low watermark; `recorded_at` the time below which no record may be, when all are truncated.
 * - `producer_append`: the last row of a producer says what is due; `positions` answers repetitions: per record `partition * offsetSpan + offset` as a little-endian double.
 */
export const schema = `
CREATE TABLE topic (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  partitions INTEGER NOT NULL
) STRICT;
CREATE TABLE partition (
  ref INTEGER PRIMARY KEY,
  topic INTEGER NOT NULL REFERENCES topic (id),
  number INTEGER NOT NULL,
  low INTEGER NOT NULL DEFAULT 0,
  recorded_at INTEGER NOT NULL DEFAULT 0,
  UNIQUE (topic, number)
) STRICT;
CREATE TABLE header_names (
  id INTEGER PRIMARY KEY,
  names TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE producer (
  ref INTEGER PRIMARY KEY,
  topic INTEGER NOT NULL REFERENCES topic (id),
  name TEXT NOT NULL,
  UNIQUE (topic, name)
) STRICT;
CREATE TABLE producer_append (
  producer INTEGER NOT NULL REFERENCES producer (ref),
  epoch INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  positions BLOB NOT NULL,
  PRIMARY KEY (producer, epoch, sequence)
) STRICT, WITHOUT ROWID;
CREATE TABLE subject (
  topic INTEGER NOT NULL REFERENCES topic (id),
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (topic, name)
) STRICT, WITHOUT ROWID;
PRAGMA application_id = ${applicationId};
PRAGMA user_version = ${schemaVersion};
`;
