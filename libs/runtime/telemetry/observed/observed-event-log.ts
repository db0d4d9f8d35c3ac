import type { LogRecord } from '#events';
import type { AppendOptions, EventLog, Position, ReadBatch, ReadLimits } from '#ports';
import { ForwardingEventLog } from '../../forwarding-event-log.ts';
import type { Counter, Histogram } from '../metrics/meter.ts';
import { metrics } from '../metrics/metrics.constants.ts';
import type { Telemetry } from '../telemetry.ts';
import { runBatch, tracedPerBatchMax, type TracedEvent } from '../tracing/batch-span.ts';
import { messagingSpan } from '../tracing/messaging.telemetry.ts';
import { isSampled } from '../tracing/traceparent.ts';
import { codeOf } from './error-code.ts';
import { ReadTimes } from './read-times.ts';
import type { SeenEvents } from './seen-events.ts';

/** An event log, seen from outside: every engine is measured alike. It changes nothing that the log does. */
export class ObservedEventLog extends ForwardingEventLog {
  readonly #telemetry: Telemetry;
  readonly #seen: SeenEvents;
  readonly #readTimes = new ReadTimes();
  readonly #seconds: Histogram<'topic'>;
  readonly #records: Counter<'topic'>;
  readonly #bytes: Counter<'topic'>;
  readonly #failures: Counter<'topic' | 'code'>;
  readonly #readRecords: Counter<'topic'>;
  readonly #readFailures: Counter<'topic' | 'code'>;

  constructor(log: EventLog, telemetry: Telemetry, seen: SeenEvents) {
    super(log);
    this.#telemetry = telemetry;
    this.#seen = seen;
    const { meter } = telemetry;
    this.#seconds = meter.histogram(metrics.appendSeconds);
    this.#records = meter.counter(metrics.appendRecords);
    this.#bytes = meter.counter(metrics.appendBytes);
    this.#failures = meter.counter(metrics.appendErrors);
    this.#readRecords = meter.counter(metrics.readRecords);
    this.#readFailures = meter.counter(metrics.readErrors);
  }

  /** The inner append is called before this returns: appends keep the order of their calls. */
  override append(topic: string, records: readonly LogRecord[], options?: AppendOptions): Promise<readonly Position[]> {
    const { tracer, messaging } = this.#telemetry;
    if (!tracer.on) return this.#measured(topic, records, options);
    const traced = sampledIn(records);
    const init = messagingSpan({ operation: 'send', destination: topic, messages: records.length }, messaging);
    return runBatch(tracer, init, traced, () => this.#measured(topic, records, options));
  }

  async #measured(topic: string, records: readonly LogRecord[], options: AppendOptions | undefined): Promise<readonly Position[]> {
    if (!this.#telemetry.meter.on) return this.log.append(topic, records, options);
    const begun = performance.now();
    try {
      const positions = await this.log.append(topic, records, options);
      this.#seconds.observe((performance.now() - begun) / 1000, { topic });
      this.#records.add(records.length, { topic });
      this.#bytes.add(sizeOf(records), { topic });
      return positions;
    } catch (error) {
      this.#failures.add(1, { topic, code: codeOf(error) });
      throw error;
    }
  }

  override async read(topic: string, partition: number, from: bigint, limits: ReadLimits, signal?: AbortSignal): Promise<ReadBatch> {
    try {
      const batch = await this.log.read(topic, partition, from, limits, signal);
      const [first] = batch.records;
      if (first !== undefined) {
        this.#readRecords.add(batch.records.length, { topic });
        this.#readTimes.note(topic, partition, from, batch.next, first);
        if (this.#telemetry.tracer.on) this.#seen.note(topic, partition, batch.records);
      }
      return batch;
    } catch (error) {
      this.#readFailures.add(1, { topic, code: codeOf(error) });
      throw error;
    }
  }

  /** When a record was recorded that was read lately, ms since the Unix epoch. */
  recordedAt(topic: string, partition: number, offset: bigint): number | undefined {
    return this.#readTimes.recordedAt(topic, partition, offset);
  }
}

const none: readonly TracedEvent[] = [];

/** The distinct sampled traces of a batch, as far as they get spans. */
function sampledIn(records: readonly LogRecord[]): readonly TracedEvent[] {
  let found: Set<string> | undefined;
  for (const { headers } of records) {
    const traceparent = headers['ce_traceparent'];
    if (!isSampled(traceparent)) continue;
    found ??= new Set();
    if (found.size < tracedPerBatchMax) found.add(traceparent);
  }
  return found === undefined ? none : [...found].map((traceparent) => ({ traceparent }));
}

/** Characters of keys and values: going through the headers of every record would cost more than half of all watching. */
function sizeOf(records: readonly LogRecord[]): number {
  let size = 0;
  for (const { key, value } of records) size += key.length + value.length;
  return size;
}
