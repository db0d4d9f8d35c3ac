import type { EventDefinition } from '#events';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** What an event's definition says, as far as reading its older versions goes. */
export type ReadableDefinition = Pick<EventDefinition, 'type' | 'version' | 'schema' | 'upcasters' | 'samples'>;

/**
 * Whether today's definition reads everything that a released version could be (BACKWARD_TRANSITIVE: each version by way of
 * all upcasters, not only the one before). Judged by doing it: from the version's golden sample and its JSON Schema come
 * variants at every edge that the schema allows, and each of them has to come through with nothing lost on the way.
 * Answers one line per break.
 */
export function compatibilityBreaks(definition: ReadableDefinition, version: number, schema: JsonSchema): readonly string[] {
  const sample = definition.samples[version - 1];
  if (sample === undefined) return [`${definition.type}: version ${version} has no golden sample`];
  const breaks = variants(schema, sample, 'data').flatMap(({ what, value }) => {
    const problem = readingProblem(definition, version, value);
    return problem === undefined ? [] : [`${definition.type}: version ${version} with ${what} is not read any more: ${problem}`];
  });
  return [...new Set(breaks)];
}

function readingProblem({ schema, upcasters }: ReadableDefinition, version: number, value: unknown): string | undefined {
  let data = value;
  try {
    for (const upcast of upcasters.slice(version - 1)) data = upcast(data);
  } catch (error) {
    return `its upcaster failed: ${error instanceof Error ? error.message : String(error)}`;
  }
  const result = schema.safeParse(data);
  if (!result.success) return result.error.issues.map((issue) => `${['data', ...issue.path].join('.')}: ${issue.message}`).join('; ');
  const lost = lostField(data, result.data, 'data');
  return lost === undefined ? undefined : `${lost} would be lost in silence`;
}

/** A field that went into the schema and did not come out. */
function lostField(given: unknown, kept: unknown, path: string): string | undefined {
  if (!isObject(given) || !isObject(kept)) return undefined;
  for (const [name, value] of Object.entries(given)) {
    if (!(name in kept)) return `${path}.${name}`;
    const inner = lostField(value, kept[name], `${path}.${name}`);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

interface Variant {
  readonly what: string;
  readonly value: unknown;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The sample, and the sample with one thing at an edge of what the schema allows. */
function variants(schema: JsonSchema, sample: unknown, path: string): readonly Variant[] {
  return [{ what: 'its sample', value: sample }, ...edges(schema, sample, path)];
}

function edges(schema: JsonSchema, sample: unknown, path: string): readonly Variant[] {
  const options = (schema['anyOf'] ?? schema['oneOf']) as readonly JsonSchema[] | undefined;
  if (options !== undefined) return options.flatMap((option) => edges(option, sample, path));
  if (Array.isArray(schema['enum'])) return schema['enum'].map((value) => ({ what: `${path} = ${JSON.stringify(value)}`, value: value as unknown }));
  switch (schema['type']) {
    case 'null':
      return [{ what: `${path} = null`, value: null }];
    case 'boolean':
      return [true, false].map((value) => ({ what: `${path} = ${value}`, value }));
    case 'integer':
    case 'number':
      return numberEdges(schema, path);
    case 'string':
      return stringEdges(schema, sample, path);
    case 'array':
      return arrayEdges(schema, sample, path);
    case 'object':
      return objectEdges(schema, sample, path);
    default:
      return [];
  }
}

function numberEdges(schema: JsonSchema, path: string): readonly Variant[] {
  const step = schema['type'] === 'integer' ? 1 : 0.5;
  const low = typeof schema['exclusiveMinimum'] === 'number' ? schema['exclusiveMinimum'] + step : ((schema['minimum'] as number | undefined) ?? -1_000_000);
  const high = typeof schema['exclusiveMaximum'] === 'number' ? schema['exclusiveMaximum'] - step : ((schema['maximum'] as number | undefined) ?? 1e12);
  const between = schema['type'] === 'number' && low + 0.5 <= high ? [low + 0.5] : [];
  return [low, high, ...between].map((value) => ({ what: `${path} = ${value}`, value }));
}

/** Lengths alone: texts of a pattern are as the sample has them. */
function stringEdges(schema: JsonSchema, sample: unknown, path: string): readonly Variant[] {
  const { minLength = 0, maxLength = 2_000, pattern, format } = schema as { minLength?: number; maxLength?: number; pattern?: string; format?: string };
  const fits = (text: string): boolean => format === undefined && (pattern === undefined || new RegExp(pattern, 'u').test(text));
  const texts = ['a'.repeat(minLength), 'a'.repeat(maxLength)].filter(fits);
  if (typeof sample === 'string') texts.push(sample);
  return texts.map((value) => ({ what: `${path} of ${value.length} characters`, value }));
}

function arrayEdges(schema: JsonSchema, sample: unknown, path: string): readonly Variant[] {
  const items = (schema['items'] ?? {}) as JsonSchema;
  const first = Array.isArray(sample) ? (sample[0] as unknown) : undefined;
  const [min, max] = [(schema['minItems'] as number | undefined) ?? 0, Math.min((schema['maxItems'] as number | undefined) ?? 50, 50)];
  const lengths = first === undefined ? [0] : [min, max];
  return [
    ...lengths.map((length) => ({ what: `${path} of ${length} items`, value: Array.from({ length }, () => first) })),
    ...(first === undefined ? [] : edges(items, first, `${path}[]`).map(({ what, value }) => ({ what, value: [value] }))),
  ];
}

function objectEdges(schema: JsonSchema, sample: unknown, path: string): readonly Variant[] {
  const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>;
  const required = new Set((schema['required'] ?? []) as string[]);
  const base = isObject(sample) ? sample : {};
  return Object.entries(properties).flatMap(([name, property]) => [
    ...edges(property, base[name], `${path}.${name}`).map(({ what, value }) => ({ what, value: { ...base, [name]: value } })),
    ...(required.has(name) ? [] : [{ what: `no ${path}.${name}`, value: Object.fromEntries(Object.entries(base).filter(([each]) => each !== name)) }]),
  ]);
}
