import { OperatingError } from '#kernel';
import type { EventLog, ReadBatch, ReadLimits } from '#ports';
import { ForwardingEventLog } from '#runtime';

export interface PeerPast {
  /** The peer whose log this is. */
  readonly peer: string;
  /** Where its sealed past is looked for, in words. */
  readonly place: string;
}

/** The log of another region: where its sealed past cannot be read it says whose that is, and which setting names the place. */
export class PeerEventLog extends ForwardingEventLog {
  readonly #past: PeerPast;

  constructor(past: PeerPast, log: EventLog) {
    super(log);
    this.#past = past;
  }

  override async read(topic: string, partition: number, from: bigint, limits: ReadLimits, signal?: AbortSignal): Promise<ReadBatch> {
    try {
      return await super.read(topic, partition, from, limits, signal);
    } catch (error) {
      if (!(error instanceof OperatingError) || !/^(BLOB_|SEALED_SEGMENT_DAMAGED$)/.test(error.code)) throw error;
      const { peer, place } = this.#past;
      const advice = `If that is not where ${peer} keeps its blobs, say where in REGION_PEER_BLOBS (${peer}=/folder or ${peer}=https://host/BUCKET).`;
      const message = `The sealed past of the region ${peer} cannot be read in ${place}: ${error.message} ${advice}`;
      throw new OperatingError(message, { code: 'REGION_PAST_UNREADABLE', retryable: error.retryable, cause: error });
    }
  }
}
