import type { z } from 'zod';

type RawIssue = Parameters<z.core.$ZodErrorMap>[0];

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object with fields',
  record: 'an object with fields',
  date: 'a date',
};

const formats: Readonly<Record<string, string>> = {
  url: 'an address such as https://host/path',
  datetime: 'a time such as 2026-01-31T12:00:00Z (RFC 3339)',
  uuid: 'a UUID',
  email: 'an e-mail address',
  base64: 'base64',
  base64url: 'base64url',
};

const units: Readonly<Record<string, readonly [string, string]>> = {
  string: ['character', 'characters'],
  array: ['entry', 'entries'],
  set: ['entry', 'entries'],
};

/**
 * What is wrong with a field, in words for people who never heard of schemas; the caller puts the field's name before it.
 * Undefined leaves a message that the schema itself brings.
 */
export const fieldSentence: z.core.$ZodErrorMap = (issue: RawIssue): string | undefined => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'It is missing.' : `It must be ${kinds[issue.expected] ?? `of the type ${issue.expected}`}.`;
    case 'too_small':
      return `It must ${bound(issue.origin, 'at least', issue.minimum, issue.inclusive !== false, 'more than')}.`;
    case 'too_big':
      return `It must ${bound(issue.origin, 'at most', issue.maximum, issue.inclusive !== false, 'less than')}.`;
    case 'invalid_value':
      return issue.values.length === 1 ? `It must be ${String(issue.values[0])}.` : `It must be one of ${issue.values.map(String).join(', ')}.`;
    case 'invalid_format':
      return formats[issue.format] === undefined ? 'It does not have the right form.' : `It must be ${formats[issue.format]}.`;
    case 'not_multiple_of':
      return `It must be a multiple of ${issue.divisor}.`;
    case 'unrecognized_keys':
      return 'There is no such field.';
    case 'invalid_union':
      return 'It has none of the forms that are possible here.';
    case 'invalid_key':
      // What is wrong with a name that somebody else chooses is for its own rule to say.
      return issue.issues[0]?.message ?? 'It is not valid.';
    case 'invalid_element':
    case 'custom':
      return 'It is not valid.';
  }
};

/** Lengths are had, values are been: "have at least 1 entry", "be at least 1". */
function bound(origin: string, including: string, limit: number | bigint, isInclusive: boolean, excluding: string): string {
  const word = isInclusive ? including : excluding;
  const unit = units[origin];
  return unit === undefined ? `be ${word} ${limit}` : `have ${word} ${limit} ${unit[Number(limit) === 1 ? 0 : 1]}`;
}
