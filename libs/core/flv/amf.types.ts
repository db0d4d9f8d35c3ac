/** What AMF 0 and AMF 3 can say. Dates arrive as their milliseconds since the Unix epoch, XML documents as text, byte arrays as lists of numbers. */
export type AmfValue = number | boolean | string | null | undefined | AmfObject | readonly AmfValue[];
/** Decoded objects have no prototype, so that no name from outside can reach one. */
export interface AmfObject {
  readonly [name: string]: AmfValue;
}

/** Nesting and number of values that a message may have: far above any encoder, far below what would hurt. */
export const amfDepthMax = 12;
export const amfValuesMax = 4096;
