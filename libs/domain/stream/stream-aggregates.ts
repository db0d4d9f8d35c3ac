import { clipRequested, encodingProfileConfigured, encodingProfileRemoved, streamMarked } from '#events';
import { encodingProfileDecider, type EncodingProfileDraft, type EncodingProfileState } from './encoding-profile.decider.ts';
import { orderDecider, type OrderDraft, type OrderState } from './order.decider.ts';
import { streamDecider, type StreamDraft } from './stream.decider.ts';
import type { StreamState } from './stream.state.ts';

type AnyDraft = StreamDraft | OrderDraft | EncodingProfileDraft;
type AnyState = StreamState | OrderState | EncodingProfileState;

const isOrder = (event: AnyDraft): event is OrderDraft => event.type === clipRequested.type || event.type === streamMarked.type;
const isProfile = (event: AnyDraft): event is EncodingProfileDraft =>
  event.type === encodingProfileConfigured.type || event.type === encodingProfileRemoved.type;

function evolve(before: AnyState, event: AnyDraft): AnyState {
  if (isProfile(event)) return encodingProfileDecider.evolve(before as EncodingProfileState, event);
  if (isOrder(event)) return orderDecider.evolve(before as OrderState, event);
  return streamDecider.evolve(before as StreamState, event);
}

/** All kinds of aggregates of this context, for folding heads from the log: an event knows which it is of. */
export const streamContextAggregate = { context: 'stream', decider: { initialState: streamDecider.initialState as AnyState, evolve } } as const;
