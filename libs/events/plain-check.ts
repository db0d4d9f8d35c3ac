import type { z } from 'zod';

/** True only for values that the schema accepts and hands back as they are, keys in the same order. False decides nothing. */
export type PlainCheck = (value: unknown) => boolean;

/** What schemas and their checks say of themselves (zod 4, `_zod.def`). */
interface Definition {
  readonly type?: string;
  readonly check?: string;
  readonly checks?: readonly Described[];
  readonly shape?: Readonly<Record<string, Described>>;
  readonly element?: Described;
  readonly innerType?: Described;
  readonly options?: readonly Described[];
  readonly entries?: Readonly<Record<string, string | number>>;
  readonly catchall?: unknown;
  readonly coerce?: boolean;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly value?: unknown;
  readonly inclusive?: boolean;
  readonly pattern?: RegExp;
  readonly protocol?: RegExp;
  readonly hostname?: RegExp;
  readonly normalize?: boolean;
}

interface Described {
  readonly _zod: { readonly def: unknown };
}

const definitionOf = (described: Described): Definition => described._zod.def as Definition;

/**
 * A quick check for the path that every event of a replay takes: the schema's own `parse` makes several objects per field,
 * most of what decoding cost. It says yes to the plain, valid case alone; whatever it does not say yes to is the schema's
 * to judge, so that nothing is accepted, refused or changed that the schema would not. Undefined for a schema that uses
 * anything not known here.
 */
export function plainCheckOf(schema: z.ZodType): PlainCheck | undefined {
  return checkOf(schema);
}

function checkOf(schema: Described): PlainCheck | undefined {
  const definition = definitionOf(schema);
  if (definition.coerce === true || !isClosed(definition)) return undefined;
  const checks = (definition.checks ?? []).map(definitionOf);
  const whole = definition.format === undefined ? (numberCheck(definition, checks) ?? textCheck(definition, checks)) : undefined;
  if (whole !== undefined) return whole;
  const base = definition.format === undefined ? baseOf(definition) : formatCheck(definition);
  if (base === undefined) return undefined;
  let check = base;
  for (const described of checks) {
    const next = refinementOf(described);
    if (next === undefined) return undefined;
    const before = check;
    check = (value) => before(value) && next(value);
  }
  return check;
}

/** Whole numbers within bounds, which is what most fields are: one step in place of one per refinement. */
function numberCheck({ type }: Definition, checks: readonly Definition[]): PlainCheck | undefined {
  if (type !== 'number' || !checks.some(isSafeInteger)) return undefined;
  let [least, most] = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
  for (const described of checks) {
    const { check, inclusive, value } = described;
    if (isSafeInteger(described)) continue;
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) return undefined;
    if (check === 'greater_than') least = Math.max(least, inclusive === true ? value : value + 1);
    else if (check === 'less_than') most = Math.min(most, inclusive === true ? value : value - 1);
    else return undefined;
  }
  return (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}

function isSafeInteger({ check, format }: Definition): boolean {
  return check === 'number_format' && format === 'safeint';
}

/** Texts of bounded length and one pattern, as ids are: one step as well. */
function textCheck({ type }: Definition, checks: readonly Definition[]): PlainCheck | undefined {
  if (type !== 'string' || checks.length === 0) return undefined;
  let [shortest, longest, shape] = [0, Infinity, undefined as RegExp | undefined];
  for (const { check, format, maximum = 0, minimum = 0, pattern } of checks) {
    if (check === 'min_length') shortest = Math.max(shortest, minimum);
    else if (check === 'max_length') longest = Math.min(longest, maximum);
    else if (check === 'string_format' && format === 'regex' && isStateless(pattern) && shape === undefined) shape = pattern;
    else return undefined;
  }
  const isLong = (value: unknown): value is string => typeof value === 'string' && value.length >= shortest && value.length <= longest;
  return shape === undefined ? isLong : (value) => isLong(value) && shape.test(value);
}

function isStateless(pattern: RegExp | undefined): pattern is RegExp {
  return pattern !== undefined && !pattern.global && !pattern.sticky;
}

/** Fields that a schema does not name are dropped or, of a strict one, refused: either way the check has not said yes to them. */
function isClosed({ catchall }: Definition): boolean {
  return catchall === undefined || definitionOf(catchall as Described).type === 'never';
}

function baseOf(definition: Definition): PlainCheck | undefined {
  switch (definition.type) {
    case 'string':
      return (value) => typeof value === 'string';
    case 'number':
      return (value) => Number.isFinite(value);
    case 'boolean':
      return (value) => typeof value === 'boolean';
    case 'enum':
      return enumCheck(definition);
    case 'union':
      return unionCheck(definition);
    case 'nullable':
      return nullableCheck(definition);
    case 'array':
      return arrayCheck(definition);
    case 'object':
      return objectCheck(definition);
    default:
      return undefined;
  }
}

/**
 * A web address as nearly all are: host names of lower-case letters, digits and hyphens, none of them a number or in
 * punycode, and nothing but printable ASCII behind. The URL Standard fails on none of these, so that nobody has to parse it.
 */
const plainUrl = /^https?:\/\/(?!xn--)[a-z][a-z0-9-]*(?:\.(?!xn--)[a-z][a-z0-9-]*)*(?::\d{1,4})?(?:[/?#][!-~]*)?$/;
/** What a schema may ask of the protocol that {@link plainUrl} fulfils. */
const webProtocol = '^https?$';

function formatCheck({ format, protocol, hostname, normalize }: Definition): PlainCheck | undefined {
  if (format !== 'url' || hostname !== undefined || normalize === true) return undefined;
  if (protocol !== undefined && protocol.source !== webProtocol) return undefined;
  return (value) => typeof value === 'string' && plainUrl.test(value);
}

function enumCheck({ entries = {} }: Definition): PlainCheck | undefined {
  const values = new Set<unknown>(Object.values(entries));
  // TypeScript's enums list numbers both ways; they are left to the schema.
  return [...values].every((value) => typeof value === 'string') ? (value) => values.has(value) : undefined;
}

function unionCheck({ options = [] }: Definition): PlainCheck | undefined {
  const checks = options.map(checkOf);
  if (checks.some((check) => check === undefined)) return undefined;
  // Of one kind, so that none of them would hand back what another accepts in its own way.
  if (options.some((option) => definitionOf(option).type !== 'string')) return undefined;
  return (value) => checks.some((check) => check?.(value) === true);
}

function nullableCheck({ innerType }: Definition): PlainCheck | undefined {
  const check = innerType === undefined ? undefined : checkOf(innerType);
  return check === undefined ? undefined : (value) => value === null || check(value);
}

function arrayCheck({ element }: Definition): PlainCheck | undefined {
  const check = element === undefined ? undefined : checkOf(element);
  if (check === undefined) return undefined;
  return (value) => {
    if (!Array.isArray(value)) return false;
    for (let at = 0; at < value.length; at++) if (!check(value[at])) return false;
    return true;
  };
}

interface Field {
  readonly name: string;
  readonly optional: boolean;
  readonly check: PlainCheck;
}

function fieldOf(name: string, schema: Described): Field | undefined {
  const definition = definitionOf(schema);
  const optional = definition.type === 'optional';
  const check = optional ? checkOf(definition.innerType as Described) : checkOf(schema);
  return check === undefined ? undefined : { name, optional, check };
}

/** Keys in the order of the schema, for that is the order in which it would hand them back. */
function objectCheck({ shape = {} }: Definition): PlainCheck | undefined {
  const fields: Field[] = [];
  for (const [name, schema] of Object.entries(shape)) {
    const field = fieldOf(name, schema);
    if (field === undefined) return undefined;
    fields.push(field);
  }
  return (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && hasFields(fields, value as Record<string, unknown>);
}

function hasFields(fields: readonly Field[], value: Record<string, unknown>): boolean {
  let at = 0;
  for (const key in value) {
    while (at < fields.length && fields[at]?.name !== key && fields[at]?.optional === true) at++;
    const field = fields[at++];
    if (field === undefined || field.name !== key || !field.check(value[key])) return false;
  }
  while (at < fields.length && fields[at]?.optional === true) at++;
  return at === fields.length;
}

function refinementOf(definition: Definition): PlainCheck | undefined {
  const { minimum = 0, maximum = 0, value: bound, inclusive, pattern } = definition;
  switch (definition.check) {
    case 'min_length':
      return (value) => (value as { readonly length: number }).length >= minimum;
    case 'max_length':
      return (value) => (value as { readonly length: number }).length <= maximum;
    case 'string_format':
      if (definition.format !== 'regex' || !isStateless(pattern)) return undefined;
      return (value) => pattern.test(value as string);
    case 'number_format':
      return definition.format === 'safeint' ? Number.isSafeInteger : undefined;
    case 'greater_than':
      if (typeof bound !== 'number') return undefined;
      return inclusive === true ? (value) => (value as number) >= bound : (value) => (value as number) > bound;
    case 'less_than':
      if (typeof bound !== 'number') return undefined;
      return inclusive === true ? (value) => (value as number) <= bound : (value) => (value as number) < bound;
    default:
      return undefined;
  }
}
