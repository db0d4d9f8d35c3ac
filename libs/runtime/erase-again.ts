import { decodeEvent, isDirect, masterKeyGivenUp, masterKeyRotated, originOf, subjectErased, type DomainEvent, type EventOf, type StoredRecord } from '#events';
import type { SubjectKeyStore } from '#ports';
import type { Logger } from './logging.ts';
import { indexSubject } from './personal/subject-keys.ts';

export interface EraseAgainDeps {
  readonly subjectKeys: Pick<SubjectKeyStore, 'eraseAgain' | 'ofSubject'>;
  readonly logger: Logger;
}

type Destruction = EventOf<typeof subjectErased> | EventOf<typeof masterKeyGivenUp>;

/** A database from a backup has the keys that were destroyed since: they are destroyed once more, as the log has it. */
export async function eraseAgain(records: readonly StoredRecord[], { subjectKeys, logger }: EraseAgainDeps): Promise<void> {
  const own = records.filter((record) => !isDirect(record) && originOf(record) === undefined);
  const ofType = (...types: readonly string[]): readonly StoredRecord[] => own.filter(({ headers }) => types.includes(headers['ce_type'] ?? ''));
  let erased = 0;
  for (const record of ofType(subjectErased.type, masterKeyGivenUp.type)) {
    const event = decodeEvent(record) as DomainEvent as Destruction;
    const keyIds = [...event.data.keyIds, ...(event.type === masterKeyGivenUp.type ? await indexKeysUnder(event.data.masterId, subjectKeys) : [])];
    erased += await subjectKeys.eraseAgain(keyIds, event.time);
  }
  if (ofType(masterKeyRotated.type).length > 0)
    logger.warn(
      'the master key was changed since the backup: the keys of persons in it open with the one before alone. Bring its file back, or give it up (streams subject give-up); until then what tells of a person is refused',
    );
  if (erased > 0) logger.warn({ erased }, `keys of data subjects that were destroyed since the backup are destroyed again: ${erased}`);
}

/** The key of names is nobody's, so the event does not list it; it went with the others all the same, and no person can be written of while it is there and locked. */
async function indexKeysUnder(masterId: string, subjectKeys: EraseAgainDeps['subjectKeys']): Promise<readonly string[]> {
  return (await subjectKeys.ofSubject(indexSubject)).filter(({ key }) => key?.masterId === masterId).map(({ keyId }) => keyId);
}
