/**
 * RFC 6381 form of an HEVCDecoderConfigurationRecord, ISO/IEC 14496-15 annex E.3: profile, compatibility flags in reverse bit
 * order, tier and level, constraints without trailing zero bytes.
 */
export function hevcCodecs(entryType: string, config: Uint8Array): string {
  const at = (index: number): number => config[index] ?? 0;
  const space = ['', 'A', 'B', 'C'][at(1) >> 6] as string;
  let flags = 0;
  for (let bit = 0; bit < 32; bit++) flags = flags * 2 + ((at(5 - (bit >> 3)) >> (bit & 7)) & 1);
  const constraints = [...config.subarray(6, 12)];
  while (constraints.length > 0 && constraints.at(-1) === 0) constraints.pop();
  const hex = (value: number): string => value.toString(16).toUpperCase();
  const level = `${(at(1) & 0x20) === 0 ? 'L' : 'H'}${at(12)}`;
  return [entryType, `${space}${at(1) & 0x1f}`, hex(flags), level, ...constraints.map(hex)].join('.');
}

/** AV1 in ISOBMFF section 5: profile, level and tier, bit depth. */
export function av1Codecs(config: Uint8Array): string {
  const [second, third] = [config[1] ?? 0, config[2] ?? 0];
  const depth = (third & 0x40) === 0 ? '08' : (third & 0x20) === 0 ? '10' : '12';
  return `av01.${second >> 5}.${String(second & 0x1f).padStart(2, '0')}${(third & 0x80) === 0 ? 'M' : 'H'}.${depth}`;
}
