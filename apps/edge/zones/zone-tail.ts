import {
  decodeEvent,
  EventInvalidError,
  isDirect,
  prefetchModelPublished,
  purgePolicySet,
  topicPartitions,
  zoneConfigured,
  zoneHostsClaimed,
  zoneRemoved,
  type StoredRecord,
} from '#events';
import { hasCode } from '#kernel';
import type { EventLog } from '#ports';
import type { Health, Logger } from '#runtime';
import { readPatiently } from '../read-patiently.ts';
import type { DoubtPolicies } from '../purge/doubt-policies.ts';
import type { StandingBook } from '../fleet/standing-book.ts';
import type { ModelKeeper } from '../prefetch/model-keeper.ts';
import type { ZoneKeeper } from './zone-keeper.ts';
import type { ZonesFile } from './zones.file.ts';

export const zoneTopic = 'zone';

export interface ZoneTailInit {
  /** How long one read waits for something new, ms. */
  readonly waitMs: number;
}

export interface ZoneTailDeps {
  readonly log: EventLog;
  readonly keeper: ZoneKeeper;
  readonly policies: DoubtPolicies;
  /** What operators decide about this edge is told beside the zones. */
  readonly book: StandingBook;
  /** Models of what is asked for next are told beside the zones, too; undefined where nothing is foreseen. */
  readonly models?: Pick<ModelKeeper, 'offer' | 'forget'> | undefined;
  readonly file: ZonesFile;
  readonly logger: Logger;
  /** Told of a failure after which the edge must not go on. */
  readonly onFatal: (error: unknown) => void;
  readonly health?: Health;
}

const readLimits = { recordsMax: 1000, bytesMax: 4 * 1024 * 1024 };

/**
 * Follows the zones on the log, each partition from where this edge has read. What it knows is stored with the place: it
 * starts from its own disk, even when the log cannot tell its past any more.
 */
export class ZoneTail {
  readonly #init: ZoneTailInit;
  readonly #deps: ZoneTailDeps;
  readonly #position: bigint[] = [];
  #identity = '';
  #saving: Promise<void> | undefined;
  #changed = false;

  constructor(init: ZoneTailInit, deps: ZoneTailDeps) {
    this.#init = init;
    this.#deps = deps;
  }

  get positions(): readonly bigint[] {
    return this.#position;
  }

  /** Reads up to what was on the log when this was called; nothing may be served before. Waits for the log however long it takes. */
  async catchUp(signal: AbortSignal): Promise<void> {
    await readPatiently({ signal, logger: this.#deps.logger, complaint: 'the zones cannot be read; the edge waits for them before it serves' }, async () => {
      await this.#deps.log.ensureTopic(zoneTopic, topicPartitions);
      await this.#start();
      const goals = (await this.#deps.log.heads(zoneTopic)).map((head) => head.high);
      await Promise.all(
        goals.map(async (goal, partition) => {
          while ((this.#position[partition] as bigint) < goal) await this.#readOnce(partition, 0);
        }),
      );
    });
  }

  /** Follows the log until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#position.map((_, partition) => this.#follow(partition, signal)));
    await this.#saving;
  }

  async #start(): Promise<void> {
    const heads = await this.#deps.log.heads(zoneTopic);
    this.#identity = await this.#deps.log.identity();
    const stored = await this.#deps.file.load(heads.length);
    const same = stored?.log === this.#identity ? stored : undefined;
    for (const { policy, tenant } of same?.policies ?? []) this.#deps.policies.set(tenant, policy);
    for (const zone of same?.zones ?? []) await this.#deps.keeper.apply(zone);
    this.#deps.book.restore(same?.standings ?? []);
    heads.forEach((head, partition) => {
      const next = same?.next[partition] ?? head.low;
      this.#position[partition] = next <= head.high ? next : head.low;
    });
  }

  async #follow(partition: number, signal: AbortSignal): Promise<void> {
    const heart = this.#deps.health?.loop(`zone tail ${partition}`, this.#init.waitMs);
    while (!signal.aborted) {
      heart?.beat();
      await readPatiently({ signal, logger: this.#deps.logger, complaint: 'the log cannot be read; zones stay as they are until it can' }, () =>
        this.#readOnce(partition, this.#init.waitMs, signal),
      );
    }
    heart?.end();
  }

  async #readOnce(partition: number, waitMs: number, signal?: AbortSignal): Promise<void> {
    const from = this.#position[partition] as bigint;
    try {
      const batch = await this.#deps.log.read(zoneTopic, partition, from, { ...readLimits, waitMs }, signal);
      for (const record of batch.records) await this.#apply(record);
      this.#position[partition] = batch.next;
      if (batch.next > from) this.#save();
    } catch (error) {
      if (hasCode(error, 'OFFSET_OUT_OF_RANGE')) await this.#jump(partition, 'low');
      else if (hasCode(error, 'SEALED_SEGMENT_DAMAGED') || hasCode(error, 'LOG_HOLE')) await this.#jump(partition, 'high');
      else throw error;
    }
  }

  /** What comes next cannot be read. What is known stays: a site is better served by its last rules than by none. */
  async #jump(partition: number, to: 'low' | 'high'): Promise<void> {
    const head = (await this.#deps.log.heads(zoneTopic))[partition];
    if (head === undefined) return;
    this.#position[partition] = head[to];
    this.#deps.logger.warn(
      { partition, to: String(head[to]) },
      'a part of the log of zones cannot be read; zones may be older than they should until they change again',
    );
  }

  async #apply(record: StoredRecord): Promise<void> {
    // The platform alone configures zones.
    if (record.headers['ce_type'] === zoneHostsClaimed.type || isDirect(record)) return;
    const { keeper, logger, models, policies } = this.#deps;
    try {
      const event = decodeEvent(record);
      // Of two regions with a zone of one id each has its own.
      const id = event.origin === undefined ? event.subject : `${event.subject}@${event.origin}`;
      // What another region's tenants prefer is for its edges.
      if (event.type === purgePolicySet.type && event.origin === undefined) policies.set(event.data.owner, event.data.policy);
      this.#deps.book.apply(event);
      // Another region's models are blobs of that region.
      if (event.type === prefetchModelPublished.type && event.origin === undefined) models?.offer({ ...event.data, zone: event.data.zone ?? '' });
      if (event.type === zoneRemoved.type) {
        keeper.remove(id, event.data.zoneVersion);
        models?.forget(id);
      }
      if (event.type !== zoneConfigured.type) return;
      const { configuration, epoch, shieldUrl, zoneVersion } = event.data;
      await keeper.apply({ id, tenant: event.tenant, version: zoneVersion, epoch, configuration, shieldUrl });
    } catch (error) {
      if (!(error instanceof EventInvalidError)) throw error;
      const subject = String(record.headers['ce_subject'] ?? '');
      if (subject === '') logger.error({ record: `${record.partition}:${record.offset}` }, `a record of zones cannot be understood: ${error.message}`);
      else keeper.refuse(subject, undefined, error.message);
    }
  }

  /** Behind the reading: after a crash before it, the same is read again, which changes nothing. */
  #save(): void {
    this.#changed = true;
    this.#saving ??= this.#drain()
      .catch((error: unknown) => this.#deps.onFatal(error))
      .finally(() => (this.#saving = undefined));
  }

  async #drain(): Promise<void> {
    while (this.#changed) {
      this.#changed = false;
      try {
        const standings = this.#deps.book.entries;
        await this.#deps.file.save({
          log: this.#identity,
          next: [...this.#position],
          zones: this.#deps.keeper.versions,
          policies: this.#deps.policies.all,
          standings,
        });
      } catch (err) {
        if (!hasCode(err, 'STATE_UNWRITABLE')) throw err;
        this.#deps.logger.warn({ err }, 'the zones cannot be stored: make room on the disk');
      }
    }
  }
}
