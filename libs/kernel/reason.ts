/** Letters, digits and signs, blanks left out, that say something. */
export const reasonSignsMin = 3;

/**
 * Whether a reason says why: what an operator does stays on record with it, and one letter tells nobody anything. The one rule
 * for every deed that has to be given a reason.
 */
export function saysWhy(reason: string): boolean {
  return reason.replace(/\s+/g, '').length >= reasonSignsMin;
}

export const reasonRule = `Say why, in ${reasonSignsMin} letters or more.`;
