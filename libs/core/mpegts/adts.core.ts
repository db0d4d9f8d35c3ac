import { MpegTsError } from './errors.ts';

const frameBytesMax = 0x1fff;
const adtsBytes = 7;

/**
 * The header before each AAC frame, ISO/IEC 13818-7 section 6.2.
 * @param config AudioSpecificConfig; of what spectral band replication adds, the core alone is told, as is usual
 * @throws MpegTsError for a profile or a rate that such a header cannot tell
 */
export function adtsHeader(config: Uint8Array): (frameBytes: number) => Uint8Array {
  const [first = 0, second = 0, third = 0] = config;
  const objectType = first >> 3;
  const frequencyIndex = ((first & 7) << 1) | (second >> 7);
  const channels = (second >> 3) & 15;
  // Of the replication's own object types the profile is that of the core behind it: LC.
  const profile = objectType === 5 || objectType === 29 ? 2 : objectType;
  if (profile < 1 || profile > 4 || frequencyIndex > 12 || channels > 7 || third < 0) throw new MpegTsError('This AAC cannot be told in an ADTS header.');
  return (frameBytes) => {
    const length = frameBytes + adtsBytes;
    if (length > frameBytesMax) throw new MpegTsError(`A frame of AAC with ${frameBytes} bytes is too long.`);
    return Uint8Array.of(
      0xff,
      0xf1,
      ((profile - 1) << 6) | (frequencyIndex << 2) | (channels >> 2),
      ((channels & 3) << 6) | (length >> 11),
      (length >> 3) & 0xff,
      ((length & 7) << 5) | 0x1f,
      0xfc,
    );
  };
}
