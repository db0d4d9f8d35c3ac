/**
 * A segment of which there is no media and never will be: a segment type box with the brand `mcnt` of ISO/IEC 23009-1 for
 * missing content, and nothing else. Whoever appends it has appended nothing.
 */
export function missingSegment(): Uint8Array {
  const box = new Uint8Array(20);
  new DataView(box.buffer).setUint32(0, box.length);
  box.set(new TextEncoder().encode('styp'), 4);
  box.set(new TextEncoder().encode('msdh'), 8);
  box.set(new TextEncoder().encode('mcnt'), 16);
  return box;
}
