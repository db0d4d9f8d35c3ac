import type { LogRecord } from '#events';
import type { AppendOptions, EventLog, Position } from '#ports';

/** The record as an event of a trace of its own; of a hundred of them as many are sampled as the share says. */
export function traced(record: LogRecord, n: number, sampledShare: number): LogRecord {
  const sampled = n % 100 < sampledShare * 100;
  const traceparent = `00-${(n + 1).toString(16).padStart(32, '0')}-${(n + 1).toString(16).padStart(16, '0')}-${sampled ? '01' : '00'}`;
  return { ...record, headers: { ...record.headers, ce_traceparent: traceparent } };
}

/** Gives what is appended its traces. */
export class TracedLog {
  readonly #log: EventLog;
  readonly #sampledShare: number;
  #count = 0;

  constructor(log: EventLog, sampledShare: number) {
    this.#log = log;
    this.#sampledShare = sampledShare;
  }

  append(topic: string, records: readonly LogRecord[], options?: AppendOptions): Promise<readonly Position[]> {
    return this.#log.append(
      topic,
      records.map((record) => traced(record, this.#count++, this.#sampledShare)),
      options,
    );
  }
}
