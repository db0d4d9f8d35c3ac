import { dataschemaOf, type AdmittedEvent, type EventPerson } from '#events';
import { OperatingError } from '#kernel';
import { sealedUnder, type PersonalData } from '../personal/personal-data.ts';
import { isKeyTrouble, nameOf } from '../personal/subject-keys.ts';
import type { DataKey } from '../personal/subject-cipher.ts';
import type { Entry } from './intake-queue.ts';
import { contentDigestOf } from './publication-key.ts';

/**
 * Encrypts what tells of persons, all keys of a call by one question at most. What is remembered of such an event's content
 * is a keyed digest, on which nobody can try values.
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
        const digest = contentDigestOf(await personal.keys.contentStandIn(event.content));
        return { ...entry, digest, event: sealedEvent(event, person, keys.get(nameOf({ tenant, subject: person.subject })) as DataKey) };
      }),
    );
  } catch (error) {
    throw isKeyTrouble(error) ? unavailable('The keys of personal data are not to be had.', error) : error;
  }
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
