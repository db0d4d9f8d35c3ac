/**
 * A segment of which there is no media and never will be: a segment type box with the brand `mcnt` of ISO/IEC 23009-1 for
 * missing content, and an empty media data box, because players that append as it comes wait for the end of one.
 */
export function missingSegment(): Uint8Array {
  return Uint8Array.from([...box('styp', 'msdh', '\0\0\0\0', 'mcnt'), ...box('mdat')]);
}

function box(type: string, ...fields: readonly string[]): Uint8Array {
  const bytes = new TextEncoder().encode(`\0\0\0\0${type}${fields.join('')}`);
  new DataView(bytes.buffer).setUint32(0, bytes.length);
  return bytes;
}
