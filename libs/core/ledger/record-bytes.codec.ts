import { ledgerInvalid } from './ledger.errors.ts';
import type { LedgerHash } from './ledger-hash.types.ts';

/** What the ledger vouches for of a record; a `LogRecord` of any engine fits. */
export interface LedgerRecord {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
}

const version = 'r1';

/**
 * The bytes of a record, the same on every engine. The event's id is among the headers (`ce_id`), and so is everything
 * else that CloudEvents says. Offset and time of record are the engine's, and are not part of it.
 *
 *     record  = "r1" 1*( SP length ) LF key *( name value ) value-of-record
 *     length  = decimal bytes in UTF-8 of each of these texts, in that order
 *
 * Headers stand in the order in which they were written. The text returned is to be encoded in UTF-8.
 */
export function recordText({ key, headers, value }: LedgerRecord, hash: LedgerHash): string {
  let lengths = `${version} ${key.length}`;
  let body = key;
  for (const name in headers) {
    const text = headers[name] as string;
    lengths += ` ${name.length} ${text.length}`;
    body += name + text;
  }
  const all = `${lengths} ${value.length}\n${body}${value}`;
  // Nearly all records are ASCII, where a text has as many bytes as characters.
  return hash.utf8Length(all) === all.length ? all : widerText({ key, headers, value }, hash);
}

function widerText({ key, headers, value }: LedgerRecord, hash: LedgerHash): string {
  const texts = [key, ...Object.entries(headers).flat(), value];
  return `${version} ${texts.map((text) => hash.utf8Length(text)).join(' ')}\n${texts.join('')}`;
}

/** Writes the leaf hash of a record (RFC 6962 section 2.1): SHA-256 of 0x00 and the record's bytes. */
export function hashRecord(record: LedgerRecord, hash: LedgerHash, out: Uint8Array, at: number): void {
  hash.text(`\0${recordText(record, hash)}`, out, at);
}

/** A head is a few hundred bytes; a record of a million empty headers is nobody's. */
const headBytesMax = 262_144;

/** @throws OperatingError `LEDGER_INVALID` */
export function parseRecordBytes(bytes: Uint8Array): LedgerRecord {
  const end = bytes.subarray(0, headBytesMax).indexOf(0x0a);
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const head = decoder.decode(bytes.subarray(0, Math.max(end, 0)));
  if (!/^r1( (0|[1-9]\d{0,9}))+$/.test(head)) throw ledgerInvalid('These are not the bytes of a record: they do not begin with lengths.');
  const texts: string[] = [];
  let at = end + 1;
  for (const length of head.split(' ').slice(1).map(Number)) {
    if (at + length > bytes.length) break;
    texts.push(decoder.decode(bytes.subarray(at, at + length)));
    at += length;
  }
  if (at !== bytes.length || texts.length < 2 || texts.length % 2 !== 0 || texts.length !== head.split(' ').length - 1)
    throw ledgerInvalid('These are not the bytes of a record: the lengths do not fit.');
  const pairs = texts.slice(1, -1);
  const headers = Object.fromEntries(Array.from({ length: pairs.length / 2 }, (_, pair) => [pairs[2 * pair] as string, pairs[2 * pair + 1] as string]));
  return { key: texts[0] as string, headers, value: texts.at(-1) as string };
}
