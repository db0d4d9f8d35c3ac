/** The time that the id of an event names, ms since the Unix epoch (RFC 9562 section 5.7, UUIDv7); 0 for any other id. */
export function idTimeMs(id: string): number {
  if (id.length !== 36 || id[14] !== '7' || id[8] !== '-') return 0;
  const ms = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  return Number.isSafeInteger(ms) ? ms : 0;
}

/** Bytes of a print. */
export const idPrintBytes = 2;

/** 16 bits of FNV-1a (32 bits, folded by xor) over the characters of an id: a tile of 256 records holds a wrong match once in 256. */
export function idPrint(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  return ((hash >>> 16) ^ hash) & 0xffff;
}

/** Places among prints that stand one behind the other, big-endian, at which this id may be. */
export function printedAt(id: string, prints: Uint8Array): readonly number[] {
  const print = idPrint(id);
  const places: number[] = [];
  for (let at = 0; at + 1 < prints.length; at += idPrintBytes) {
    if (prints[at] === print >>> 8 && prints[at + 1] === (print & 0xff)) places.push(at / idPrintBytes);
  }
  return places;
}
