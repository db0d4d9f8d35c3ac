import { clipRequested, streamMarked, type DraftOf } from '#events';
import { accept, refuse, type Decider, type Decision, type Millis } from '#kernel';

/** All that is told of a marker. */
export type MarkerTold = DraftOf<typeof streamMarked>['data'];

/** Gives a stretch of a stream a meaning, or says more about one: what is left out stays as it was told before. */
export interface Mark {
  readonly type: 'Mark';
  readonly marker: Pick<MarkerTold, 'streamId' | 'markerId' | 'origin'> & Partial<MarkerTold>;
  /** Where one begins that nobody has told a beginning of, ms. */
  readonly nowMs: Millis;
}

/** Wants a piece of a stream as a file of its own. */
export interface RequestClip {
  readonly type: 'RequestClip';
  readonly streamId: string;
  readonly clipId: string;
  readonly name: string;
  readonly fromMs: Millis;
  readonly untilMs: Millis;
}

export type OrderDraft = DraftOf<typeof clipRequested | typeof streamMarked>;

/** What one marker, or one clip, was last asked to be. */
export type OrderState = { readonly status: 'absent' } | { readonly status: 'known'; readonly told: OrderDraft['data'] };

const attributesMax = 32;

/** A clip is copied as a whole, and watched by people: longer ones are recordings. */
export const clipMsMax: Millis = 3_600_000;

/** The aggregate of a marker; a clip's is its event's subject as well. */
export const markerSubject = (streamId: string, markerId: string): string => `${streamId}/marker/${markerId}`;
export const clipSubject = (streamId: string, clipId: string): string => `${streamId}/clip/${clipId}`;

/** The same data, in whatever order a database keeps its fields. */
function isSame(one: unknown, other: unknown): boolean {
  const inOrder = (_: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return JSON.stringify(one, inOrder) === JSON.stringify(other, inOrder);
}

const blank = {
  ...{ class: null, durationMs: null, plannedDurationMs: null, endsOnNext: false },
  ...{ scte35Cmd: null, scte35Out: null, scte35In: null, attributes: [] as MarkerTold['attributes'] },
};

/** RFC 8216bis section 4.4.5.1: two of one ID must not contradict each other, so what was told stays unless it is told anew. */
function whole({ marker, nowMs }: Mark, told: MarkerTold | undefined): MarkerTold {
  const named = new Map([...(told?.attributes ?? []), ...(marker.attributes ?? [])].map((attribute) => [attribute.name, attribute]));
  return { ...blank, startMs: nowMs, ...told, ...marker, attributes: [...named.values()] };
}

function mark(command: Mark, state: OrderState): Decision<OrderDraft> {
  const told = state.status === 'known' ? (state.told as MarkerTold) : undefined;
  const marker = whole(command, told);
  const { durationMs, endsOnNext, class: kind } = marker;
  // RFC 8216bis section 4.4.5.1: END-ON-NEXT needs a CLASS, and goes with no duration.
  if (endsOnNext && kind === null) return refuse('invalid-marker', 'class: A marker that ends on the next one needs a class.');
  if (endsOnNext && durationMs !== null) return refuse('invalid-marker', 'durationSeconds: A marker that ends on the next one has no duration.');
  if (marker.attributes.length > attributesMax) return refuse('invalid-marker', `attributes: A marker has at most ${attributesMax} of them.`);
  if (told !== undefined && told.startMs !== marker.startMs) return refuse('marker-moved', 'at: A marker stays where it began; use another id.');
  const wasCalled = told?.class ?? kind;
  if (wasCalled !== kind) return refuse('marker-reclassified', `class: A marker keeps its class, ${wasCalled}; use another id.`);
  // The same again is the retry of a command whose answer was lost.
  if (told !== undefined && isSame(told, marker)) return accept<OrderDraft>();
  return accept<OrderDraft>(streamMarked.draft(marker));
}

function requestClip({ type: _type, ...clip }: RequestClip, state: OrderState): Decision<OrderDraft> {
  if (state.status === 'known') return isSame(state.told, clip) ? accept<OrderDraft>() : refuse('clip-exists', 'There is another clip under this key.');
  if (clip.name.trim() === '') return refuse('invalid-clip', 'name: A name has a character that can be seen.');
  if (clip.untilMs <= clip.fromMs) return refuse('invalid-clip', 'until: It must lie after "from".');
  if (clip.untilMs - clip.fromMs > clipMsMax) return refuse('invalid-clip', `until: A clip lasts at most ${clipMsMax / 60_000} minutes.`);
  return accept<OrderDraft>(clipRequested.draft(clip));
}

function decide(command: Mark | RequestClip, state: OrderState): Decision<OrderDraft> {
  return command.type === 'Mark' ? mark(command, state) : requestClip(command, state);
}

function evolve(_state: OrderState, event: OrderDraft): OrderState {
  return { status: 'known', told: event.data };
}

/** Rules of what is asked of a stream: each marker and each clip is an aggregate of its own, so that they never wait for each other. */
export const orderDecider: Decider<OrderState, Mark | RequestClip, OrderDraft> = { initialState: { status: 'absent' }, decide, evolve };

export const orderAggregate = { context: 'stream', decider: orderDecider } as const;
