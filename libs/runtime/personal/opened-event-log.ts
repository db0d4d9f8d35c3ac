import type { EventLog, ReadBatch, ReadLimits } from '#ports';
import { ForwardingEventLog } from '../forwarding-event-log.ts';
import type { PersonalData } from './personal-data.ts';

/** A log as its readers see it: personal values in clear, as far as they can be decrypted. */
export class OpenedEventLog extends ForwardingEventLog {
  readonly #personal: PersonalData;

  constructor(log: EventLog, personal: PersonalData) {
    super(log);
    this.#personal = personal;
  }

  override async read(topic: string, partition: number, from: bigint, limits: ReadLimits, signal?: AbortSignal): Promise<ReadBatch> {
    const batch = await this.log.read(topic, partition, from, limits, signal);
    const records = await this.#personal.openRecords(batch.records);
    return records === batch.records ? batch : { ...batch, records };
  }
}
