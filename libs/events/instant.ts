/* The events of a batch share their times, and a time costs more to write and to read than all else of an attribute. */
let written = { ms: 0, text: '1970-01-01T00:00:00.000Z' };
let read = { text: written.text, ms: written.ms };
let parsedDate = { text: written.text, ms: written.ms };

/** RFC 3339 in UTC, to the millisecond. @throws RangeError beyond what a date can hold */
export function instantText(ms: number): string {
  if (written.ms !== ms) written = { ms, text: new Date(ms).toISOString() };
  return written.text;
}

/** RFC 3339 section 5.6, with a zone. */
const instant = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

/**
 * ms since the Unix epoch of a text that begins with `YYYY-MM-DD`; NaN where there is no such day or time. A date parser turns
 * 30 February into 2 March.
 */
export function dayMs(text: string): number {
  const [year, month, day] = [Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8, 10))];
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate() ? Date.parse(text) : Number.NaN;
}

/** ms since the Unix epoch; NaN for text that is no RFC 3339 time. */
export function instantMs(text: string): number {
  if (read.text !== text) read = { text, ms: instant.test(text) ? dayMs(text) : Number.NaN };
  return read.ms;
}

/** ms since the Unix epoch of any text that a date parser takes; NaN for others. */
export function dateMs(text: string): number {
  if (parsedDate.text !== text) parsedDate = { text, ms: Date.parse(text) };
  return parsedDate.ms;
}
