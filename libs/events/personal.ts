import type { z } from 'zod';
import type { EventDefinition } from './define.ts';

/** The mark in a schema's metadata; JSON Schemas made from it carry it as a keyword of its own. */
const mark = 'x-personal';

/**
 * Marks a field as personal: it tells something of a human being (GDPR art. 4). Whoever shows events masks such fields for those
 * without the right to see them, and whoever stores them can make them unreadable.
 */
export function personal<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ [mark]: true });
}

/** Where a personal field is in an event's data: names of nested fields; `*` stands for every element of an array. */
export type PersonalPath = readonly string[];

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

const known = new WeakMap<object, readonly PersonalPath[]>();

/** The personal fields of an event's newest version; empty for most events, so that their way costs nothing. */
export function personalPaths({ schema }: Pick<EventDefinition, 'schema'>): readonly PersonalPath[] {
  const before = known.get(schema);
  if (before !== undefined) return before;
  const paths = pathsOf(schema);
  known.set(schema, paths);
  return paths;
}

function pathsOf(described: Described): PersonalPath[] {
  if (isMarked(described)) return [[]];
  const { shape, element, innerType, options } = described._zod.def as Parts;
  const fields = Object.entries(shape ?? {}).flatMap(([name, field]) => pathsOf(field).map((path) => [name, ...path]));
  const elements = element === undefined ? [] : pathsOf(element).map((path) => ['*', ...path]);
  const inner = [...(innerType === undefined ? [] : [innerType]), ...(options ?? [])].flatMap(pathsOf);
  return distinct([...fields, ...elements, ...inner]);
}

function isMarked(described: Described): boolean {
  return (described as z.ZodType).meta()?.[mark] === true;
}

/** Two options of a union may mark the same field. */
function distinct(paths: readonly PersonalPath[]): PersonalPath[] {
  return [...new Map(paths.map((path) => [path.join('\u0000'), [...path]])).values()];
}
