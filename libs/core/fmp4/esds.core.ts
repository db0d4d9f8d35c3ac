import { FieldReader } from './box.core.ts';
import { Fmp4Error } from './errors.ts';

const esDescriptor = 0x03;
const decoderConfigDescriptor = 0x04;
const decoderSpecificInfo = 0x05;
const mpeg4Audio = 0x40;

/**
 * An elementary stream descriptor (ISO/IEC 14496-1 section 7.2.6): the object type, and the decoder's own configuration, which
 * is empty where there is none and must be there for MPEG-4 audio.
 * @param esds body of the box
 * @throws Fmp4Error
 */
export function readEsds(esds: Uint8Array): { readonly objectType: number; readonly specific: Uint8Array } {
  const es = new FieldReader('esds', descriptor(new FieldReader('esds', esds).skip(4), esDescriptor));
  const flags = es.skip(2).uint8();
  if ((flags & 0x80) !== 0) es.skip(2);
  if ((flags & 0x40) !== 0) es.skip(es.uint8());
  if ((flags & 0x20) !== 0) es.skip(2);
  const config = new FieldReader('esds', descriptor(es, decoderConfigDescriptor));
  const objectType = config.uint8();
  if (objectType !== mpeg4Audio) return { objectType, specific: new Uint8Array(0) };
  return { objectType, specific: descriptor(config.skip(12), decoderSpecificInfo) };
}

/** The body of the next descriptor, which must have `tag`; its length is a base-128 number of up to four bytes. */
function descriptor(reader: FieldReader, tag: number): Uint8Array {
  const found = reader.uint8();
  if (found !== tag) throw new Fmp4Error('FMP4_INVALID', `esds: descriptor ${found} stands where ${tag} must.`);
  let length = 0;
  for (let index = 0; index < 4; index++) {
    const byte = reader.uint8();
    length = (length << 7) | (byte & 0x7f);
    if ((byte & 0x80) === 0) break;
  }
  const body = reader.rest();
  if (length > body.length) throw new Fmp4Error('FMP4_INVALID', 'esds: a descriptor is longer than its box.');
  return body.subarray(0, length);
}
