import { parkedAggregate, parkedIdOf, projectionOf, type KnownParked, type ParkedCommand } from '#domain/operation';
import type { DomainEvent, StoredRecord } from '#events';
import { hasCode, type Projection } from '#kernel';
import type { AggregateStore, EventLog, ParkedEvent, ParkedEvents, PastStore } from '#ports';
import { pause, type CommandExecutor, type EventParking, type Health, type Logger } from '#runtime';
import { StalePast } from './stale-past.ts';

export interface ParkedDeskInit {
  /** Between two looks, ms. */
  readonly lookMs?: number;
}

export interface ParkedDeskDeps {
  readonly projections: readonly Projection<DomainEvent>[];
  readonly parked: ParkedEvents;
  readonly parking: Pick<EventParking, 'tell'>;
  readonly aggregates: AggregateStore;
  readonly commands: CommandExecutor;
  readonly log: EventLog;
  /** Pieces of the past may hold what is discarded, and lack what is taken after all. */
  readonly past: Pick<PastStore, 'forgetFrom'>;
  readonly logger: Logger;
  readonly health?: Health;
}

const untoldMax = 500;
/** Of those that stand parked when this process begins. */
const standingMax = 10_000;

/** Which order of an event, in the id that the store knows: `<parkedId>.<order>`. */
function orderIdOf({ parkedId, order }: KnownParked): string {
  return `${parkedId}.${order}`;
}

function isOrderOf(id: string): { readonly parkedId: string; readonly order: number } {
  const dot = id.lastIndexOf('.');
  return { parkedId: id.slice(0, dot), order: Number(id.slice(dot + 1)) };
}

/**
 * Carries words between the log and what stands parked: that an event was parked and what became of an order goes on the
 * log; what an operator asked for goes to the store, where the host that holds the partition finds it. Any projector may
 * do so, also several at once: each step changes nothing the second time.
 */
export class ParkedDesk {
  readonly #init: Required<ParkedDeskInit>;
  readonly #deps: ParkedDeskDeps;
  readonly #stale: StalePast;
  readonly #stop = new AbortController();
  #hasResumed = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(init: ParkedDeskInit, deps: ParkedDeskDeps) {
    this.#init = { lookMs: 1000, ...init };
    this.#deps = deps;
    this.#stale = new StalePast(deps);
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const heart = this.#deps.health?.loop('parked events', this.#init.lookMs);
    while (!this.#stop.signal.aborted) {
      heart?.beat();
      try {
        await this.look();
      } catch (err) {
        this.#deps.logger.warn({ err }, 'parked events are not looked after; trying again');
      }
      await pause(this.#init.lookMs, this.#stop.signal);
    }
    heart?.end();
  }

  /** Does what there is to do now. */
  async look(): Promise<void> {
    const { parked, aggregates } = this.#deps;
    if (!this.#hasResumed) await this.#resume();
    this.#hasResumed = true;
    const untold = await parked.untold(untoldMax);
    for (const event of untold) if (!event.late) await this.#tell(event);
    await this.#tellLate(untold.filter(({ late }) => late));
    for (const { state } of await aggregates.find(parkedAggregate.context, 'redrive', 'open')) await this.#place(state as KnownParked);
  }

  /**
   * What operators did with an event that stands parked is done once more: the rows are of a backup from before, and the log knows
   * it all.
   */
  async #resume(): Promise<void> {
    const { parked, logger } = this.#deps;
    let again = 0;
    for (const event of await parked.list({ limit: standingMax })) {
      if (event.order !== undefined || event.orderFailed) continue;
      const state = await this.#known(event);
      if (state?.status !== 'redriven' && state?.status !== 'discarded') continue;
      if (await parked.order(event, { id: orderIdOf(state), verb: state.verb })) again++;
    }
    if (again > 0)
      logger.warn(`${again} events stand parked that were dealt with before: the database is older than the log. What was asked for is done again`);
  }

  /** What operators have done with it, as the log knows. */
  async #known({ topic, partition, offset, projection, version }: ParkedEvent): Promise<KnownParked | undefined> {
    const id = parkedIdOf({ topic, partition, offset: String(offset), consumer: `${projection}@${version}` });
    return (await this.#deps.aggregates.load(parkedAggregate.context, id))?.state as KnownParked | undefined;
  }

  async #tell(event: ParkedEvent): Promise<void> {
    const { parked, parking } = this.#deps;
    if (!event.told) await parking.tell(event);
    // What was discarded is left out for good, also where it was parked anew.
    const known = event.told || event.order !== undefined ? undefined : await this.#known(event);
    if (known?.status === 'discarded') await parked.order(event, { id: orderIdOf(known), verb: 'discard' });
    if (event.order !== undefined && (event.orderFailed || event.state !== 'parked')) await this.#tellOutcome([event]);
    if (event.state !== 'parked') await this.#stale.forgetFrom(event);
    await parked.told(event);
  }

  /** What nobody could read is taken by each version by itself: the order is done when the last of them is, and not forgotten before. */
  async #tellLate(events: readonly ParkedEvent[]): Promise<void> {
    if (events.length === 0) return;
    const open = new Set((await this.#deps.parked.ordered()).map(({ order }) => order?.id));
    const done = events.filter(({ order }) => !open.has(order?.id));
    for (const id of new Set(done.map(({ order }) => order?.id))) {
      const ofOrder = done.filter(({ order }) => order?.id === id);
      await this.#tellOutcome(ofOrder);
      for (const event of ofOrder) {
        if (event.state !== 'parked') await this.#stale.forgetFrom(event);
        await this.#deps.parked.told(event);
      }
    }
  }

  /** What became of an order, by all who had it to take. */
  async #tellOutcome(events: readonly ParkedEvent[]): Promise<void> {
    const { parkedId, order } = isOrderOf(events[0]?.order?.id ?? '');
    const failed = events.find(({ orderFailed }) => orderFailed);
    if (failed === undefined) return this.#record(parkedId, { type: 'RecordRedriven', order, applied: events.reduce((sum, { applied }) => sum + applied, 0) });
    const { code, message } = failed.failure;
    return this.#record(parkedId, { type: 'RecordFailed', order, code, message: message.slice(0, 1024), attempts: failed.attempts });
  }

  /** Hands an order to the store; one that finds nothing any more is told so. */
  async #place(state: KnownParked): Promise<void> {
    const { topic, partition, verb, consumer } = state;
    const placed = { id: orderIdOf(state), verb };
    const version = projectionOf(consumer);
    if (version === undefined) return this.#placeLate(state);
    const place = { ...version, topic, partition, offset: BigInt(state.offset) };
    if (await this.#deps.parked.order(place, placed)) return;
    const event = await this.#deps.parked.show(place);
    // What became of it is told in a moment.
    if (event?.order?.id === placed.id) return;
    if (event?.state === 'parked') return;
    await this.#gone(state, 'It is not parked any more: the read model was built anew, or the event was dealt with before.');
  }

  #gone({ parkedId, order }: KnownParked, message: string): Promise<void> {
    return this.#record(parkedId, { type: 'RecordFailed', order, code: 'PARKED_GONE', message, attempts: 0 });
  }

  async #placeLate(state: KnownParked): Promise<void> {
    const { parkedId, topic, partition, order, verb } = state;
    if (verb === 'discard') return this.#record(parkedId, { type: 'RecordRedriven', order, applied: 0 });
    const offset = BigInt(state.offset);
    const record = await this.#recordAt(topic, partition, offset);
    if (record === undefined) return this.#gone(state, 'The log does not have it any more.');
    const cut = (text: string | undefined): string => (text ?? '').replaceAll('\0', '').slice(0, 1024);
    const about = { eventId: cut(record.headers['ce_id']), eventType: cut(record.headers['ce_type']), recordedAtMs: record.recordedAt };
    const readers = this.#deps.projections.filter(({ contexts }) => contexts.some((context) => context === topic));
    const versions = readers.map(({ name, version }) => ({ projection: name, version }));
    const taking = await this.#deps.parked.orderLate({ topic, partition, offset, ...about }, { id: orderIdOf(state), verb: 'retry' }, versions);
    if (taking === 0) await this.#record(parkedId, { type: 'RecordRedriven', order, applied: 0 });
  }

  async #recordAt(topic: string, partition: number, offset: bigint): Promise<StoredRecord | undefined> {
    try {
      const { records } = await this.#deps.log.read(topic, partition, offset, { recordsMax: 1, bytesMax: 1, waitMs: 0 });
      return records.find((record) => record.offset === offset);
    } catch (error) {
      if (hasCode(error, 'OFFSET_OUT_OF_RANGE')) return undefined;
      throw error;
    }
  }

  async #record(parkedId: string, command: ParkedCommand): Promise<void> {
    const requestedBy = { actor: 'system:projector', correlationId: parkedId };
    await this.#deps.commands.execute(parkedAggregate, parkedId, command, requestedBy);
    this.#deps.logger.info(
      { parked: parkedId, ...command },
      `parked event ${parkedId}: ${command.type === 'RecordFailed' ? `failed again, ${command.code}` : 'dealt with'}`,
    );
  }
}
