import { z } from 'zod';
import { parseSealed, standInLengthMax, standInPattern } from './stand-in.codec.ts';

/** The mark in a schema's metadata; JSON Schemas made from it carry it as a keyword of its own. */
const mark = 'x-personal';
const identifies = 'x-personal-identifier';

const standIn = z.string().max(standInLengthMax).regex(standInPattern);

/** What is wrong with the value itself: nobody who wrote one meant what may stand in its place. */
const ofTheValue = {
  error: (issue: { readonly errors?: ReadonlyArray<ReadonlyArray<{ readonly message?: string }>> }) => issue.errors?.[0]?.[0]?.message,
} as const;

/**
 * Marks a field as personal: it tells something of a human being (GDPR art. 4). Whoever shows events masks such fields for those
 * without the right to see them, and the log has them encrypted, under a key of whom they tell of (`dataSubject`): it, or what
 * stands in its place, is what the field holds.
 */
export function personal<Schema extends z.ZodType<string>>(schema: Schema): Schema {
  return z.union([schema, standIn], ofTheValue).meta({ [mark]: true }) as unknown as Schema;
}

/** Marks a personal field that names the subject itself: equal values are encrypted alike, so that rows can be told apart by it. */
export function personalIdentifier<Schema extends z.ZodType<string>>(schema: Schema): Schema {
  return z.union([schema, standIn], ofTheValue).meta({ [mark]: true, [identifies]: true }) as unknown as Schema;
}

/** Where a personal field is in an event's data: names of nested fields; `*` stands for every element of an array. */
export type PersonalPath = readonly string[];

interface WithSchema {
  readonly schema: z.ZodType;
}

export interface PersonalField {
  readonly path: PersonalPath;
  /** True when equal values of a subject are encrypted alike. */
  readonly identifies: boolean;
}

interface Described {
  readonly _zod: { readonly def: unknown };
}

/** What a zod 4 schema says of its parts. */
interface Parts {
  readonly shape?: Readonly<Record<string, Described>>;
  readonly element?: Described;
  readonly innerType?: Described;
  readonly options?: readonly Described[];
}

const known = new WeakMap<object, readonly PersonalField[]>();

/** The personal fields of an event's newest version; none for most events, so that their way costs nothing. */
export function personalFields({ schema }: WithSchema): readonly PersonalField[] {
  const before = known.get(schema);
  if (before !== undefined) return before;
  const fields = fieldsOf(schema);
  known.set(schema, fields);
  return fields;
}

/** Where the personal fields of an event's newest version are. */
export function personalPaths(definition: WithSchema): readonly PersonalPath[] {
  return personalFields(definition).map(({ path }) => path);
}

function fieldsOf(described: Described): PersonalField[] {
  const meta = (described as z.ZodType).meta();
  if (meta?.[mark] === true) return [{ path: [], identifies: meta[identifies] === true }];
  const { shape, element, innerType, options } = described._zod.def as Parts;
  const within = (name: string, part: Described): PersonalField[] => fieldsOf(part).map((field) => ({ ...field, path: [name, ...field.path] }));
  const fields = Object.entries(shape ?? {}).flatMap(([name, field]) => within(name, field));
  const elements = element === undefined ? [] : within('*', element);
  const inner = [...(innerType === undefined ? [] : [innerType]), ...(options ?? [])].flatMap(fieldsOf);
  return distinct([...fields, ...elements, ...inner]);
}

/** Two options of a union may mark the same field. */
function distinct(fields: readonly PersonalField[]): PersonalField[] {
  return [...new Map(fields.map((field) => [field.path.join('\u0000'), field])).values()];
}

/** A copy of the data in which the text at each place of the path is another; data without such a place as it is. */
export function changeAt(data: unknown, path: PersonalPath, change: (text: string, place: string) => string): unknown {
  return changeBelow(data, path, 0, '', change);
}

function changeBelow(value: unknown, path: PersonalPath, at: number, place: string, change: (text: string, place: string) => string): unknown {
  const name = path[at];
  if (name === undefined) return typeof value === 'string' ? change(value, place) : value;
  if (typeof value !== 'object' || value === null) return value;
  if (name === '*') return Array.isArray(value) ? value.map((each, index) => changeBelow(each, path, at + 1, `${place}/${index}`, change)) : value;
  if (!Object.hasOwn(value, name)) return value;
  const changed = changeBelow((value as Record<string, unknown>)[name], path, at + 1, `${place}/${name}`, change);
  return { ...value, [name]: changed };
}

/** Ids of the keys under which an event's personal values are encrypted. */
export function keyIdsIn(definition: WithSchema, data: unknown): string[] {
  return [...new Set(personalTexts(definition, data).flatMap(({ text }) => parseSealed(text)?.keyId ?? []))];
}

/** The texts in the personal fields of an event's data, with their places (RFC 6901). */
export function personalTexts(definition: WithSchema, data: unknown): Array<{ readonly place: string; readonly text: string }> {
  const texts: Array<{ place: string; text: string }> = [];
  for (const { path } of personalFields(definition)) {
    changeAt(data, path, (text, place) => {
      texts.push({ place, text });
      return text;
    });
  }
  return texts;
}
