import { clipRequested, streamMarked } from '#events';
import { orderDecider, type OrderDraft, type OrderState } from './order.decider.ts';
import { streamDecider, type StreamDraft } from './stream.decider.ts';
import type { StreamState } from './stream.state.ts';

const isOrder = (event: StreamDraft | OrderDraft): event is OrderDraft => event.type === clipRequested.type || event.type === streamMarked.type;

function evolve(before: StreamState | OrderState, event: StreamDraft | OrderDraft): StreamState | OrderState {
  if (isOrder(event)) return orderDecider.evolve(before as OrderState, event);
  return streamDecider.evolve(before as StreamState, event);
}

/** All kinds of aggregates of this context, for folding heads from the log: an event knows which it is of. */
export const streamContextAggregate = { context: 'stream', decider: { initialState: streamDecider.initialState as StreamState | OrderState, evolve } } as const;
