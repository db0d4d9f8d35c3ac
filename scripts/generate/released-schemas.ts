import { catalogue, type EventDefinition } from '#events';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { checkout } from './checkout.ts';
import type { GeneratedFile } from './event-docs.ts';
import type { JsonSchema } from './schema-compatibility.ts';

/** Per type and version the digest of its schema: once written here, a version is released and never edited. */
export type ReleasedSchemas = Readonly<Record<string, Readonly<Record<string, string>>>>;

const path = 'docs/released-schemas.json';

/** Of what decides about data; words for people may be improved, and a field be found personal later (`x-personal`). */
export function schemaDigestOf(schema: JsonSchema): string {
  const { description: _, title: __, ...deciding } = schema;
  const text = JSON.stringify(deciding, (key, value: unknown) => (key === 'x-personal' ? undefined : value));
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** Versions whose schema is not the one that was released. */
export function editedSchemas(
  released: ReleasedSchemas,
  schemaOf: (type: string, version: number) => JsonSchema,
  definitions: readonly EventDefinition[],
): string[] {
  return definitions.flatMap(({ type, version }) =>
    Array.from({ length: version }, (_, at) => at + 1).flatMap((each) => {
      const digest = released[type]?.[each];
      if (digest === undefined || digest === schemaDigestOf(schemaOf(type, each))) return [];
      return [
        `${type} version ${each} was released and has been edited. Raise the version and give it an upcaster; if it never left your machine, take its line out of ${path}.`,
      ];
    }),
  );
}

export function readReleased(): ReleasedSchemas {
  return JSON.parse(readFileSync(`${checkout}${path}`, 'utf8')) as ReleasedSchemas;
}

/**
 * The list with the versions added that are new.
 * @throws Error when a released version was edited.
 */
export function releasedFile(released: ReleasedSchemas, schemaOf: (type: string, version: number) => JsonSchema): GeneratedFile {
  const definitions = catalogue as readonly EventDefinition[];
  const edited = editedSchemas(released, schemaOf, definitions);
  if (edited.length > 0) throw new Error(edited.join('\n'));
  const entries = definitions.map(({ type, version }) => {
    const digests = Array.from({ length: version }, (_, at) => [String(at + 1), released[type]?.[at + 1] ?? schemaDigestOf(schemaOf(type, at + 1))] as const);
    return [type, Object.fromEntries(digests)] as const;
  });
  return { path, text: `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n` };
}
