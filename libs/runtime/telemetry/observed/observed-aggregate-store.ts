import type { Context } from '#events';
import { AggregateStore, type AggregateCommit, type AggregateHead, type IdentifiedHead } from '#ports';
import type { Tracer } from '../tracing/tracer.ts';
import { activeSpan } from '../tracing/tracer.ts';

/** Heads of aggregates, seen from outside: the steps of a command that wait for the database. */
export class ObservedAggregateStore extends AggregateStore {
  readonly #store: AggregateStore;
  readonly #tracer: Tracer;

  constructor(store: AggregateStore, tracer: Tracer) {
    super();
    this.#store = store;
    this.#tracer = tracer;
  }

  override load(context: Context, id: string): Promise<AggregateHead | undefined> {
    return this.#step('load', context, () => this.#store.load(context, id));
  }

  override commit(commit: AggregateCommit): Promise<void> {
    return this.#step('commit', commit.context, () => this.#store.commit(commit));
  }

  override find(context: Context, field: string, value: string): Promise<readonly IdentifiedHead[]> {
    return this.#step('find', context, () => this.#store.find(context, field, value));
  }

  override restore(context: Context, heads: readonly IdentifiedHead[]): Promise<number> {
    return this.#store.restore(context, heads);
  }

  override restoredPartitions(context: Context): Promise<readonly number[]> {
    return this.#store.restoredPartitions(context);
  }

  override markRestored(context: Context, partition: number): Promise<void> {
    return this.#store.markRestored(context, partition);
  }

  #step<T>(operation: string, context: Context, work: () => Promise<T>): Promise<T> {
    if (activeSpan() === undefined) return work();
    const attributes = { 'db.system.name': 'postgresql', 'db.operation.name': operation, 'db.collection.name': context };
    return this.#tracer.run({ name: `${operation} ${context}`, kind: 'client', attributes }, work);
  }
}
