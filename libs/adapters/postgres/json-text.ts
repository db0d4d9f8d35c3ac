/** Escapes of what `jsonb` refuses: U+0000, and halves of surrogate pairs that stand alone. */
const maybeRefused = /\\u(?:0000|d[89a-f])/;

function storable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed().replaceAll('\u0000', '\ufffd') : value;
}

/**
 * A value as the text of a `jsonb`. Strangers' texts may hold what the type refuses: such characters become U+FFFD, as they
 * do on their way into a `text`, so that one of them cannot hold up a partition.
 */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value);
  return maybeRefused.test(text) ? JSON.stringify(value, storable) : text;
}
