import { catalogue } from './catalogue.ts';
import type { EventDefinition } from './define.ts';
import { personalPaths, type PersonalPath } from './personal.ts';
import type { LogRecord } from './record.ts';
import { readPersonal } from './stand-in.codec.ts';

/** What stands in the place of what is personal. */
export const mask = '***';

/** Actors whose name says who or where a person is: a publisher's address, a token's subject. */
const personalActor = /^(publisher|jwt):/;
/** Sessions and streams have neither dots nor colons in their names. */
const addressOfPublisher = /^publisher:.*[.:]/;

interface PersonalType {
  readonly paths: readonly PersonalPath[];
  /** The subject, and the partition key, are made of what is personal. */
  readonly inSubject: boolean;
  readonly inKey: boolean;
}

const types = new Map(
  (catalogue as readonly EventDefinition[]).flatMap((definition) => {
    const paths = personalPaths(definition);
    return paths.length === 0 ? [] : [[definition.type, personalTypeOf(definition, paths)] as const];
  }),
);

/** Types of which older versions have in clear what tells of persons. */
const oncePersonal = new Map(
  (catalogue as readonly EventDefinition[]).flatMap((definition) =>
    definition.oncePersonal === undefined ? [] : [[definition.type, definition.oncePersonal]],
  ),
);

/** Of the data as the record has it. */
function versionOf({ headers }: LogRecord): number {
  return Number(/:([1-9]\d{0,3})$/.exec(headers['ce_dataschema'] ?? '')?.[1] ?? 1);
}

function personalTypeOf({ samples, subject, key }: EventDefinition, paths: readonly PersonalPath[]): PersonalType {
  const sample = samples.at(-1);
  const masked = maskedData(sample, paths);
  return { paths, inSubject: subject(sample) !== subject(masked), inKey: key(sample) !== key(masked) };
}

/** The paths of a type's personal fields, below `data`; empty for most. */
export function personalFieldsOf(type: string): readonly PersonalPath[] {
  return types.get(type)?.paths ?? [];
}

/** The actor as everybody may see it: of what kind, but not who. */
export function maskedActor(actor: string): string {
  const kind = personalActor.exec(actor)?.[1];
  return kind === undefined ? actor : `${kind}:${mask}`;
}

/** The subject as everybody may see it: where it is made of something personal, its first part. */
export function maskedSubject(type: string, subject: string): string {
  if (types.get(type)?.inSubject !== true) return subject;
  const slash = subject.indexOf('/');
  return slash < 0 ? mask : `${subject.slice(0, slash)}/${mask}`;
}

/** The subject as an index may keep it: one from before personal data was encrypted names a person in clear, and is masked. */
export function keptSubject(type: string, subject: string): string {
  return subject.includes('person:') ? subject : maskedSubject(type, subject);
}

/** The actor as an index may keep it: publishers were named by their address once, and are by their session now. */
export function keptActor(actor: string): string {
  return addressOfPublisher.test(actor) ? maskedActor(actor) : actor;
}

/** The partition key as everybody may see it. */
export function maskedKey(type: string, key: string): string {
  return types.get(type)?.inKey === true ? mask : key;
}

/**
 * The record as it is shown: personal fields masked, and what is made of them. The same object for the many that have none.
 * Data that is not JSON shows nothing where its type has personal fields.
 */
export function maskedRecord<Some extends LogRecord>(record: Some): Some {
  const { ce_type: type = '', ce_actor: actor = '', ce_subject: subject = '' } = record.headers;
  const personal = types.get(type);
  const shownActor = maskedActor(actor);
  const once = oncePersonal.get(type);
  if (once !== undefined && versionOf(record) <= once.version)
    return { ...record, headers: { ...record.headers, ce_actor: shownActor }, value: maskedJson(record.value, once.paths) };
  if (personal === undefined) return shownActor === actor ? record : { ...record, headers: { ...record.headers, ce_actor: shownActor } };
  const key = maskedKey(type, record.key);
  const headers = { ...record.headers, ce_actor: shownActor, ce_subject: maskedSubject(type, subject), ce_partitionkey: key };
  return { ...record, key, headers, value: maskedJson(record.value, personal.paths) };
}

function maskedJson(json: string, paths: readonly PersonalPath[]): string {
  try {
    const data: unknown = JSON.parse(json);
    return JSON.stringify(maskedData(data, paths));
  } catch {
    return JSON.stringify(mask);
  }
}

/** Data with the fields of these paths masked; null, empty texts and what is erased stay: there is nothing to see. */
export function maskedData(data: unknown, paths: readonly PersonalPath[]): unknown {
  return paths.reduce<unknown>((masked, path) => maskedAt(masked, path), data);
}

function maskedAt(value: unknown, [name, ...rest]: PersonalPath): unknown {
  if (name === undefined) return value === null || value === '' || value === undefined || isErased(value) ? value : mask;
  if (name === '*') return Array.isArray(value) ? value.map((each) => maskedAt(each, rest)) : value;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return value;
  return { ...value, [name]: maskedAt((value as Readonly<Record<string, unknown>>)[name], rest) };
}

/** Whether it tells no more than when it was erased. */
export function isErased(value: unknown): boolean {
  return typeof value === 'string' && readPersonal(value).is === 'erased';
}
