/** CTA-608 table 50: where the basic characters differ from ASCII. */
const basic: Readonly<Record<number, string>> = {
  0x2a: 'á',
  0x5c: 'é',
  0x5e: 'í',
  0x5f: 'ó',
  0x60: 'ú',
  0x7b: 'ç',
  0x7c: '÷',
  0x7d: 'Ñ',
  0x7e: 'ñ',
  0x7f: '█',
};

/** Table 49, from 0x30; the tenth is a space that lets the picture through. */
const special = '®°½¿™¢£♪à\u00a0èâêîôû';
/** Tables 5 to 10, from 0x20: Spanish, miscellaneous and French behind 0x12; Portuguese, German and Danish behind 0x13. */
const extended = ['ÁÉÓÚÜü‘¡*’━©℠•“”ÀÂÇÈÊËëÎÏïÔÙùÛ«»', 'ÃãÍÌìÒòÕõ{}\\^_|~ÄäÖöß¥¤┃ÅåØø┏┓┗┛'].map((row) => [...row]);

/** A printable byte, parity taken off. */
export function basicCharacter(byte: number): string {
  return basic[byte] ?? String.fromCharCode(byte);
}

export function specialCharacter(second: number): string {
  return special[second - 0x30] ?? ' ';
}

/** @param set 0x12 or 0x13 */
export function extendedCharacter(set: number, second: number): string {
  return extended[set - 0x12]?.[second - 0x20] ?? ' ';
}

/** In the order of preambles and mid-row codes; white has no class. */
export const penColours: ReadonlyArray<string | undefined> = [undefined, 'green', 'blue', 'cyan', 'red', 'yellow', 'magenta'];
