import { dataschemaOf, type AdmittedEvent, type EventPerson } from '#events';
import { OperatingError } from '#kernel';
import { contentStandIn, type DataKey } from '../personal/subject-cipher.ts';
import { sealedUnder, type PersonalData } from '../personal/personal-data.ts';
import { isKeyTrouble, nameOf } from '../personal/subject-keys.ts';
import type { Entry } from './intake-queue.ts';
import { contentDigestOf } from './publication-key.ts';

/** An entry whose id was taken before, and the digest of what was published under it. */
export interface Remembered {
  readonly entry: Entry;
  readonly digest: bigint;
}

/**
 * Encrypts what tells of persons, all keys of a call by one question at most. What is remembered of such an event's content
 * is a digest under the subject's own key: once that is erased nobody can try values on it, neither here nor in the database.
 * @throws OperatingError `INTAKE_UNAVAILABLE` when the keys are not to be had; nothing was written.
 */
export async function sealPeople(entries: readonly Entry[], tenant: string, personal: PersonalData | undefined): Promise<readonly Entry[]> {
  if (personal === undefined) throw unavailable('This server has no keys for personal data.');
  try {
    const keys = await personal.keys.forWriting(
      entries.flatMap(({ event: { person } }) => (person === undefined ? [] : [{ tenant, subject: person.subject }])),
    );
    return await Promise.all(
      entries.map(async (entry): Promise<Entry> => {
        const { person, ...event } = entry.event;
        if (person === undefined) return entry;
        const whom = { tenant, subject: person.subject };
        const key = keys.get(nameOf(whom)) as DataKey;
        const digest = contentDigestOf(contentStandIn(key, event.content));
        const formerDigest = contentDigestOf(await personal.keys.formerContentStandIn(event.content));
        return { ...entry, digest, about: { ...whom, formerDigest }, event: sealedEvent(event, person, key) };
      }),
    );
  } catch (error) {
    throw isKeyTrouble(error) ? unavailable('The keys of personal data are not to be had.', error) : error;
  }
}

/**
 * Those of entries with a known id that say what was remembered of that id in the former way. Of somebody who was erased none does, whatever it
 * says: the answer would tell whether it guessed right. So it is asked of every entry whose digest differs, also of those that say something else.
 */
export async function formerRepetitions(known: readonly Remembered[], personal: PersonalData | undefined): Promise<ReadonlySet<Entry>> {
  const repetitions = new Set<Entry>();
  for (const { entry, digest } of known) {
    if (personal === undefined || entry.about === undefined || entry.digest === digest || (await personal.keys.wasErased(entry.about))) continue;
    if (entry.about.formerDigest === digest) repetitions.add(entry);
  }
  return repetitions;
}

/** In the newest version, for the fields of older ones may be elsewhere. */
function sealedEvent(event: AdmittedEvent, { definition, data }: EventPerson, key: DataKey): AdmittedEvent {
  const sealed = sealedUnder(key, { definition, eventId: event.id, data });
  const headers = { ...event.record.headers, ce_dataschema: dataschemaOf(definition.type, definition.version) };
  return { ...event, record: { ...event.record, headers, value: JSON.stringify(sealed.data) } };
}

function unavailable(message: string, cause?: unknown): OperatingError {
  return new OperatingError(message, { code: 'INTAKE_UNAVAILABLE', retryable: true, cause });
}
