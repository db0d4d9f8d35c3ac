import { encodeEvent, type Context, type EventEnvelope } from '#events';
import { assert, OperatingError } from '#kernel';
import { AggregateStore, type AggregateCommit, type AggregateHead, type IdentifiedHead } from '#ports';
import type { MemoryOutbox } from './memory-outbox.adapter.ts';

interface MemoryHead {
  readonly context: Context;
  readonly id: string;
  readonly version: bigint;
  /** JSON text, so that nobody can change a stored state from outside. */
  readonly state: string;
  readonly tenant: string;
}

/** Heads that live as long as their object; commits fill the outbox handed in. */
export class MemoryAggregateStore extends AggregateStore {
  readonly #outbox: MemoryOutbox;
  readonly #heads = new Map<string, MemoryHead>();
  readonly #restored = new Map<Context, Set<number>>();

  constructor(outbox: MemoryOutbox) {
    super();
    this.#outbox = outbox;
  }

  override async load(context: Context, id: string): Promise<AggregateHead | undefined> {
    const head = this.#heads.get(`${context}/${id}`);
    return head === undefined ? undefined : { version: head.version, state: JSON.parse(head.state), tenant: head.tenant };
  }

  override async commit({ context, id, expectedVersion, state, events }: AggregateCommit): Promise<void> {
    const before = this.#heads.get(`${context}/${id}`);
    const current = before?.version ?? 0n;
    if (current !== expectedVersion) {
      throw new OperatingError(`${context}/${id} is at version ${current}, not ${expectedVersion}.`, { code: 'VERSION_CONFLICT', retryable: true });
    }
    const moving = events.filter((event) => event.streamVersion !== 0n);
    moving.forEach((event, at) => assert(event.streamVersion === expectedVersion + BigInt(at) + 1n, 'versions run on from the expected one'));
    const records = events.map(encodeEvent);
    if (moving.length > 0) {
      const version = expectedVersion + BigInt(moving.length);
      const tenant = before?.tenant ?? (events[0] as EventEnvelope).tenant;
      this.#heads.set(`${context}/${id}`, { context, id, version, state: JSON.stringify(state), tenant });
    }
    this.#outbox.add(context, records);
  }

  override async find(context: Context, field: string, value: string): Promise<readonly IdentifiedHead[]> {
    return [...this.#heads.values()]
      .filter((head) => head.context === context)
      .map(({ id, version, state, tenant }) => ({ id, version, state: JSON.parse(state) as Record<string, unknown>, tenant }))
      .filter((head) => head.state[field] === value);
  }

  override async restore(context: Context, heads: readonly IdentifiedHead[]): Promise<number> {
    const absent = heads.filter(({ id }) => !this.#heads.has(`${context}/${id}`));
    for (const { id, version, state, tenant } of absent) this.#heads.set(`${context}/${id}`, { context, id, version, state: JSON.stringify(state), tenant });
    return absent.length;
  }

  override async restoredPartitions(context: Context): Promise<readonly number[]> {
    return [...(this.#restored.get(context) ?? [])];
  }

  override async markRestored(context: Context, partition: number): Promise<void> {
    this.#restored.set(context, (this.#restored.get(context) ?? new Set()).add(partition));
  }
}
