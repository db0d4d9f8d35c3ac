/** The time that the id of an event names, ms since the Unix epoch (RFC 9562 section 5.7, UUIDv7); 0 for any other id. */
export function idTimeMs(id: string): number {
  if (id.length !== 36 || id[14] !== '7' || id[8] !== '-') return 0;
  const ms = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  return Number.isSafeInteger(ms) ? ms : 0;
}
