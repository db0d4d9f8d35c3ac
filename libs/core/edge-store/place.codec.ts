import type { RecordPlace } from './record-index.core.ts';

/** Bytes of one place in the journal. */
export const placeBytes = 32;

/** Eight words, little-endian: hash (high, low), segment, offset, length, useless at, variant, names. */
export function encodePlaces(places: readonly RecordPlace[]): Uint8Array {
  const bytes = new Uint8Array(places.length * placeBytes);
  const view = new DataView(bytes.buffer);
  places.forEach((place, index) => {
    const words = [place.hash.high, place.hash.low, place.segment, place.offset, place.length, place.uselessAtS, place.variant, place.names];
    words.forEach((word, at) => view.setUint32(index * placeBytes + at * 4, word, true));
  });
  return bytes;
}

export function decodePlaces(bytes: Uint8Array, onPlace: (place: RecordPlace) => void): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 0; at + placeBytes <= bytes.length; at += placeBytes) {
    onPlace({
      hash: { high: view.getUint32(at, true), low: view.getUint32(at + 4, true) },
      segment: view.getUint32(at + 8, true),
      offset: view.getUint32(at + 12, true),
      length: view.getUint32(at + 16, true),
      uselessAtS: view.getUint32(at + 20, true),
      variant: view.getUint32(at + 24, true),
      names: view.getUint32(at + 28, true),
    });
  }
}
