import type { LogRecord } from '#events';
import { eventLogErrors } from './event-log.errors.ts';
import { recordBytesMax } from './event-log.port.ts';

/** Bytes of a text in UTF-8; a lone surrogate counts as the three bytes of U+FFFD that take its place. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else bytes += 2;
    // A pair of surrogates is four bytes: its two units and two more.
    if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) at++;
  }
  return bytes;
}

/** Characters of a record, a cheap lower bound of its bytes. */
function lengthOf(record: LogRecord): number {
  let length = record.key.length + record.value.length;
  for (const name in record.headers) length += name.length + (record.headers[name] as string).length;
  return length;
}

/** Bytes of a record as the limits count them. */
export function recordBytes(record: LogRecord): number {
  let bytes = utf8Bytes(record.key) + utf8Bytes(record.value);
  for (const name in record.headers) bytes += utf8Bytes(name) + utf8Bytes(record.headers[name] as string);
  return bytes;
}

/** @throws OperatingError `RECORD_TOO_LARGE` */
export function checkRecordSize(record: LogRecord): void {
  // UTF-8 takes at most three bytes per UTF-16 unit: most records need no closer look.
  if (lengthOf(record) * 3 <= recordBytesMax) return;
  const bytes = recordBytes(record);
  if (bytes > recordBytesMax) throw eventLogErrors.recordTooLarge(bytes);
}
