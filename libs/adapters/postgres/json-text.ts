/** The escape of half of a surrogate pair, which `jsonb` refuses; whole characters are not escaped. */
const maybeHalf = /\\ud[89a-f]/;

function whole(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value;
}

/**
 * A value as the text of a `jsonb`. Half of a surrogate pair becomes U+FFFD, as it does on its way into a `text`: a stranger's
 * event with one in a list must not hold up a partition. (U+0000 is kept out by the events' schemas, and refused here.)
 */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value);
  return maybeHalf.test(text) ? JSON.stringify(value, whole) : text;
}
