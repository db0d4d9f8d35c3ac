import { encodeEvent, eventParked, type EventInvalidError, type StoredRecord } from '#events';
import { OperatingError } from '#kernel';
import type { Clock, ParkedEvent } from '#ports';
import type { Parking } from '../consumer/parking.ts';
import type { Logger } from '../logging.ts';
import { metrics } from '../telemetry/metrics/metrics.constants.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { LogEventIntake } from './log-event-intake.ts';

export interface EventParkingDeps {
  readonly intake: LogEventIntake;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry?: Telemetry;
  /** CloudEvents `source`, such as `/projector/node-1`. */
  readonly source: string;
}

const tenant = 'default';
const lengthMax = 1_024;

/** As much of somebody's text as an event may hold. */
function cut(text: string): string {
  return text.replaceAll('\0', '').slice(0, lengthMax);
}

/**
 * Records parked records as events. The id follows from the record's place, so that all readers of a partition, and those
 * that read it again, mean the same event.
 */
export class EventParking implements Parking {
  readonly #deps: EventParkingDeps;

  constructor(deps: EventParkingDeps) {
    this.#deps = deps;
  }

  async park(topic: string, record: StoredRecord, reason: EventInvalidError): Promise<void> {
    const { partition, offset, headers, recordedAt } = record;
    const data = {
      topic,
      partition,
      offset: String(offset),
      eventId: cut(headers['ce_id'] ?? ''),
      eventType: cut(headers['ce_type'] ?? ''),
      code: reason.code,
      field: cut(reason.field),
      message: cut(reason.message),
      consumer: '*',
      attempts: 1,
      stack: '',
      recordedAtMs: recordedAt,
    };
    if (!(await this.#record(`parked.${topic}.${partition}.${offset}`, data, reason))) return;
    const { code, field, message, eventId, eventType } = data;
    this.#deps.telemetry?.meter.counter(metrics.parked).add(1, { topic, code });
    this.#deps.logger.warn({ topic, partition, offset: data.offset, eventId, eventType, code, field }, `a record was parked: ${message}`);
  }

  /** Puts on record that a projection has set an event aside, which the store says: once, however often it is told. */
  async tell(event: ParkedEvent): Promise<void> {
    const { topic, partition, offset, projection, version, eventId, eventType, failure, attempts, recordedAtMs, parkedAtMs } = event;
    const { code, message, stack } = failure;
    const consumer = `${projection}@${version}`;
    const data = {
      ...{ topic, partition, offset: String(offset), eventId: cut(eventId), eventType: cut(eventType), code, field: '', message: cut(message), consumer },
      ...{ attempts: Math.max(1, attempts), stack, recordedAtMs },
    };
    if (!(await this.#record(`parked.${topic}.${partition}.${offset}.${projection}.${version}.${parkedAtMs}`, data))) return;
    this.#deps.telemetry?.meter.counter(metrics.parkedEvents).add(1, { projection, code });
    const about = { topic, partition, offset: String(offset), consumer, eventId, eventType, code, attempts };
    this.#deps.logger.error({ ...about, err: { message, stack } }, `${consumer} parked an event, and what comes under its key waits behind it: ${message}`);
  }

  /** False when that is on record already. */
  async #record(id: string, data: Parameters<typeof eventParked.draft>[0], cause?: unknown): Promise<boolean> {
    const [outcome] = await this.#deps.intake.publishOwn([{ id, context: eventParked.context, record: this.#recordOf(id, data), content: id }], tenant);
    if (outcome?.accepted !== true) {
      throw new OperatingError(`A record could not be parked: ${outcome?.message}`, { code: 'PARKING_FAILED', retryable: true, cause });
    }
    return !outcome.duplicate;
  }

  #recordOf(id: string, data: Parameters<typeof eventParked.draft>[0]): ReturnType<typeof encodeEvent> {
    return encodeEvent({
      id,
      type: eventParked.type,
      version: eventParked.version,
      source: this.#deps.source,
      subject: eventParked.subject(data),
      time: this.#deps.clock.now(),
      key: eventParked.key(data),
      tenant,
      correlationId: id,
      causationId: data.eventId || id,
      traceparent: '',
      actor: 'system:parking',
      streamVersion: 0n,
      producerEpoch: 0n,
      data,
    });
  }
}
