/** A header field; the name in lower case. */
export type Field = readonly [name: string, value: string];
export type Fields = readonly Field[];

/** A request as the cache sees it. `target` is already normalised. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** The combined value of a field (lower-case name), or undefined. */
  field(name: string): string | undefined;
}

export interface ResponseHead {
  readonly status: number;
  readonly fields: Fields;
}

/** The value of a field; several lines of it are joined with commas (RFC 9110 section 5.3). */
export function fieldValue(fields: Fields, name: string): string | undefined {
  let value: string | undefined;
  // Asked for by everything, many times a request: without an iterator for each field.
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at] as Field;
    if (field[0] === name) value = value === undefined ? field[1] : `${value}, ${field[1]}`;
  }
  return value;
}

/** The members of a comma-separated list (RFC 9110 section 5.6.1); commas within quoted strings do not separate. */
export function listMembers(value: string): string[] {
  if (!value.includes('"')) {
    if (!value.includes(',')) return value.trim() === '' ? [] : [value.trim()];
    return value.split(',').flatMap((member) => (member.trim() === '' ? [] : [member.trim()]));
  }
  const members: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < value.length; at++) {
    const char = value[at];
    if (quoted && char === '\\') at++;
    else if (char === '"') quoted = !quoted;
    else if (char === ',' && !quoted) {
      members.push(value.slice(start, at).trim());
      start = at + 1;
    }
  }
  members.push(value.slice(start).trim());
  // RFC 9110 section 5.6.1.2: empty list members are ignored.
  return members.filter((member) => member !== '');
}
