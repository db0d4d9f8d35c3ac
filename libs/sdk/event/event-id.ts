import { v7 } from 'uuid';

const bytesPerId = 16;
const random = new Uint8Array(bytesPerId * 256);
let at = random.length;
let lastMs = 0;
let sequence = 0;

/** Random bytes for one id, fetched for many: asking the system for each id costs more than all else of an event. */
function randomBytes(): Uint8Array {
  if (at === random.length) {
    crypto.getRandomValues(random);
    at = 0;
  }
  at += bytesPerId;
  return random.subarray(at - bytesPerId, at);
}

/** A UUIDv7 (RFC 9562 section 5.7), greater than all that were made here before, so that ids of a batch lie together. */
export function newEventId(): string {
  const bytes = randomBytes();
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    // The lower half of all sequences, from bytes that nothing else of the id is made of.
    sequence = new DataView(bytes.buffer, bytes.byteOffset).getUint32(6) >>> 1;
  } else if (++sequence > 0xffff_ffff) {
    lastMs++;
    sequence = 0;
  }
  return v7({ random: bytes, msecs: lastMs, seq: sequence });
}

const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** The time within a UUIDv7, ms since the Unix epoch; undefined for any other id. */
export function timeOfEventId(id: string): number | undefined {
  return uuidV7.test(id) ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : undefined;
}
