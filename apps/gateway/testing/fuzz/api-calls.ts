import fc, { type Arbitrary } from 'fast-check';
import { junk, valueOf, type Schema } from './schema-values.ts';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: Schema;
}

interface OperationDocument {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

/** What of an OpenAPI document calls are made from. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationDocument>>>>;
}

export interface ApiCall {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | undefined;
}

/** Percent-encodes what a URL cannot hold; half of a surrogate pair has no encoding. */
function encoded(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return encodeURIComponent((text ?? '').toWellFormed());
}

/** Header values are printable (RFC 9110 section 5.5); the client would refuse to send others. */
function headerText(value: unknown): string {
  return String(value)
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .slice(0, 1_000);
}

function parametersOf(all: readonly Parameter[], where: Parameter['in'], known: readonly string[]): Arbitrary<ReadonlyArray<readonly [string, unknown]>> {
  const some = all.filter((parameter) => parameter.in === where);
  const values = some.map(({ name, required, schema }) => {
    const value = where === 'path' ? fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: valueOf(schema) }) : valueOf(schema);
    return (required ? value : fc.option(value, { nil: undefined, freq: 2 })).map((one) => [name, one] as const);
  });
  return fc.tuple(...values).map((pairs) => pairs.filter(([, value]) => value !== undefined));
}

const oddTypes = ['application/json; charset=utf-16', 'text/plain', 'application/xml', 'multipart/form-data', 'application/json, text/html', 'x'];

/** Bodies that are no JSON, no UTF-8, or JSON that parsers disagree about. */
const broken: ReadonlyArray<string | Buffer> = [
  '',
  '\u0000',
  '\ufeff{}',
  '['.repeat(100_000),
  '['.repeat(20_000) + ']'.repeat(20_000),
  '{"data":'.repeat(5_000) + '1' + '}'.repeat(5_000),
  '{"name":"a","name":"b","id":"x","id":"y"}',
  '{"name":1e400,"limit":-1e400,"id":123456789012345678901234567890}',
  '{"__proto__":{"scopes":["admin"]},"constructor":{"prototype":{}}}',
  '{"name":"\\ud800"}',
  Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
  Buffer.from('{"name":"ü"}', 'utf16le'),
  Buffer.from('{"name":"ü"}', 'latin1'),
  Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]),
];

const encodings: Arbitrary<(value: unknown) => string | Buffer> = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...broken).map((text) => () => text) },
  { weight: 12, arbitrary: fc.constant((value: unknown) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.constant((value: unknown) => JSON.stringify(value).slice(0, -1)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }).map((text) => () => text) },
);

function callOf(method: string, template: string, operation: OperationDocument, known: readonly string[]): Arbitrary<ApiCall> {
  const { operationId, parameters = [], requestBody } = operation;
  const media = Object.values(requestBody?.content ?? {})[0];
  const types = Object.keys(requestBody?.content ?? {});
  const type = fc.oneof(
    { weight: 9, arbitrary: types.length === 0 ? fc.constant(undefined) : fc.constantFrom(...types) },
    { weight: 1, arbitrary: fc.constantFrom(...oddTypes) },
  );
  const body =
    media === undefined
      ? fc.constant(undefined)
      : fc.tuple(fc.oneof({ weight: 19, arbitrary: valueOf(media.schema) }, { weight: 1, arbitrary: junk }), encodings);
  const of = (where: Parameter['in']): ReturnType<typeof parametersOf> => parametersOf(parameters, where, known);
  return fc.tuple(of('path'), of('query'), of('header'), body, type).map(([path, query, headers, content, contentType]) => {
    const filled = path.reduce((text, [name, value]) => text.replace(`{${name}}`, encoded(value)), template);
    const search = query.map(([name, value]) => `${name}=${encoded(value)}`).join('&');
    return {
      operationId,
      method: method.toUpperCase(),
      path: search === '' ? filled : `${filled}?${search}`,
      headers: {
        ...(media === undefined || contentType === undefined ? {} : { 'content-type': contentType }),
        ...Object.fromEntries(headers.map(([name, value]) => [name, headerText(value)])),
      },
      body: content === undefined ? undefined : content[1](content[0]),
    };
  });
}

/**
 * Calls of every operation in turn: most of them as the document has it, with something wrong here and there. The same seed
 * makes the same calls.
 * @param known ids of things that are there, to be named in paths
 */
export function apiCalls(document: ApiDocument, { seed, count, known }: { seed: number; count: number; known: readonly string[] }): readonly ApiCall[] {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => callOf(method, path, one, known)),
  );
  const each = Math.ceil(count / operations.length);
  const samples = operations.map((operation, at) => fc.sample(operation, { numRuns: each, seed: seed + at }));
  return Array.from({ length: each }, (_, at) => samples.map((calls) => calls[at] as ApiCall)).flat();
}
