import { catalogue, contexts, dataschemaOf, type EventDefinition } from '#events';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { checkout } from './checkout.ts';

/** A file of generated truth: where it belongs, and what is in it. */
export interface GeneratedFile {
  /** Relative to the checkout. */
  readonly path: string;
  readonly text: string;
}

type JsonSchema = Readonly<Record<string, unknown>>;

/** The schema of any version: made of the definition for the newest, as it was committed for the others. */
export function schemaOfVersion(type: string, version: number): JsonSchema {
  const definition = (catalogue as readonly EventDefinition[]).find((each) => each.type === type);
  if (definition?.version === version) return schemaOf(definition);
  return committedSchema(type, version);
}

/** The schema of a version as it was committed. @throws Error telling what to do about one that is not there. */
export function committedSchema(type: string, version: number): JsonSchema {
  const path = `docs/schemas/${type}.${version}.json`;
  let text: string;
  try {
    text = readFileSync(`${checkout}${path}`, 'utf8');
  } catch (cause) {
    throw new Error(`${path} cannot be read. Is the version new? "npm run generate" writes it; commit it with the event.`, { cause });
  }
  return JSON.parse(text) as JsonSchema;
}

/** JSON Schema 2020-12 of an event's data, newest version. */
function schemaOf(definition: EventDefinition): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(definition.schema, { io: 'input' });
  return { $schema, $id: dataschemaOf(definition.type, definition.version), title: definition.type, description: definition.meaning, ...rest };
}

function typeOf(schema: JsonSchema): string {
  if (Array.isArray(schema['enum'])) return schema['enum'].map((value) => `\`${String(value)}\``).join(', ');
  // What may stand in the place of a personal value is of its type.
  if (Array.isArray(schema['anyOf']))
    return [...new Set(schema['anyOf'].map((each) => typeOf(each as JsonSchema)))].join(' or ') + (schema['x-personal'] === true ? ' (personal)' : '');
  if (schema['type'] === 'array') return `list of ${typeOf((schema['items'] ?? {}) as JsonSchema)}`;
  if (schema['type'] === 'object') return `{ ${Object.keys((schema['properties'] ?? {}) as object).join(', ')} }`;
  return String(schema['type'] ?? 'any');
}

function eventSection(definition: EventDefinition): string {
  const schema = schemaOf(definition);
  const required = new Set((schema['required'] ?? []) as string[]);
  const fields = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>).map(
    ([name, field]) => `| \`${name}\`${required.has(name) ? '' : ' (optional)'} | ${typeOf(field)} |`,
  );
  const sample = definition.samples.at(-1);
  return [
    `### ${definition.type}`,
    '',
    definition.meaning,
    '',
    `Version ${definition.version} · published by ${definition.publishers === 'anyone' ? 'anyone with the right to' : 'the platform alone'} · [schema](schemas/${definition.type}.${definition.version}.json) · key of the sample: \`${definition.key(sample)}\` · subject: \`${definition.subject(sample)}\``,
    '',
    '| field | type |',
    '|---|---|',
    ...fields,
    '',
    '```json',
    JSON.stringify(sample),
    '```',
    '',
  ].join('\n');
}

const introduction = `# Events

Generated from \`libs/events\` by \`scripts/generate-events.ts\`; do not edit. Every event is a [CloudEvents 1.0](https://cloudevents.io) event with
JSON data. One topic per context; events of one key keep their order. \`dataschema\` names type and version:
\`${dataschemaOf('<type>', 0).replace('0', '<version>')}\`.

Every event carries the extensions \`partitionkey\`, \`tenant\`, \`correlationid\`, \`causationid\`, \`traceparent\`, \`actor\`, \`streamversion\`
(sequence within the subject, 0 for facts about a refusal and for events from outside) and \`producerepoch\` (fencing epoch of a fact's owner,
0 for commands and for events from outside).

An event is known by \`tenant\` and \`id\`. CloudEvents asks for \`source\` and \`id\` to be unique together; here the id alone has to be, within
its tenant, whatever the source: the same id with other content, or of another source, is refused by REST and gRPC as a conflict. Producers
that number their events put a name of their own in front of the number, or use UUIDs.

Events marked as open may be published by backend teams; the others are the platform's own words.

## Straight to Kafka

A record of any client is an event when it has the headers \`ce_specversion\` (\`1.0\`), \`ce_id\`, \`ce_source\` and \`ce_type\`, the data as its
value (binary mode; structured mode is not taken), and as its key the partition key, put on its partition by murmur2, as Java's,
kafkajs' and the SDK's producers do (librdkafka and kcat: \`partitioner=murmur2_random\`). The key of each type follows from its data:
the sample's stands at each. Everything else is set where it is left out, as it is over REST: \`time\` is the record's, \`subject\` and
\`partitionkey\` follow from the data, \`tenant\` is the one of KAFKA_DIRECT_TENANTS when that names one alone (else \`ce_tenant\` says
which), \`dataschema\` is the newest version that the data fits, \`actor\` is \`direct\`. What is no event is parked: \`event.parked\` names
the reason and the field.

## Types
`;

function overview(definitions: readonly EventDefinition[]): string {
  const rows = definitions.map(
    (each) => `| [${each.type}](#${each.type.replaceAll('.', '')}) | ${each.context} | ${each.publishers === 'anyone' ? 'yes' : ''} | ${each.meaning} |`,
  );
  return ['| event | topic | open | what happened |', '|---|---|---|---|', ...rows, ''].join('\n');
}

/** Everything that is generated from the catalogue of events. */
export function eventFiles(): readonly GeneratedFile[] {
  const definitions = catalogue as readonly EventDefinition[];
  const sections = contexts.map((context) => [`## ${context}`, '', ...definitions.filter((each) => each.context === context).map(eventSection)].join('\n'));
  const schemas = definitions.map((each) => ({
    path: `docs/schemas/${each.type}.${each.version}.json`,
    text: `${JSON.stringify(schemaOf(each), undefined, 2)}\n`,
  }));
  return [{ path: 'docs/EVENTS.md', text: `${[introduction, overview(definitions), ...sections].join('\n').trimEnd()}\n` }, ...schemas];
}
