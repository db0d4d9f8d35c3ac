import {
  parkedDiscarded,
  parkedDiscardRequested,
  parkedRedriven,
  parkedRetryFailed,
  parkedRetryRequested,
  type DraftOf,
  type ParkedEventDefinition,
} from '#events';
import { accept, reasonRule, refuse, saysWhy, type Decider, type Decision } from '#kernel';

/** Where a parked event stands in the log, and who has set it aside. */
export interface ParkedKey {
  readonly topic: string;
  readonly partition: number;
  /** Decimal. */
  readonly offset: string;
  /** `name@version` of a projection; `*` when nobody could read it. */
  readonly consumer: string;
}

export type ParkedVerb = 'retry' | 'discard';

export type ParkedCommand =
  | (ParkedKey & { readonly type: 'OrderRedrive'; readonly verb: ParkedVerb; readonly requestedBy: string; readonly reason: string })
  /** What became of it; late words about an order before are not facts any more. */
  | { readonly type: 'RecordRedriven'; readonly order: number; readonly applied: number }
  | { readonly type: 'RecordFailed'; readonly order: number; readonly code: string; readonly message: string; readonly attempts: number };

export type ParkedDraft = DraftOf<ParkedEventDefinition>;

export interface KnownParked extends ParkedKey {
  readonly status: 'ordered' | 'redriven' | 'failed' | 'discarded';
  /** `open`: a projector has something to do for it. */
  readonly redrive: 'open' | 'closed';
  readonly parkedId: string;
  readonly verb: ParkedVerb;
  /** Orders that there have been. */
  readonly order: number;
  readonly requestedBy: string;
  readonly reason: string;
  /** True once it was discarded: its projection leaves it out in whatever is built from the log. */
  readonly leftOut?: boolean;
}

export type ParkedAggregateState = { readonly status: 'absent' } | KnownParked;

const consumerPattern = /^([a-z][a-z0-9_]{0,62})@(\d{1,9})$/;
const idPattern = /^pk-([a-z]{1,32})-(\d{1,9})-(\d{1,19})-(?:all|([a-z][a-z0-9_]{0,62})-(\d{1,9}))$/;

/** The consumer's projection; undefined for `*`. */
export function projectionOf(consumer: string): { readonly projection: string; readonly version: number } | undefined {
  const match = consumerPattern.exec(consumer);
  return match === null ? undefined : { projection: match[1] as string, version: Number(match[2]) };
}

/** `pk-stream-7-88-streams-3`, or `pk-content-3-1041-all` */
export function parkedIdOf({ topic, partition, offset, consumer }: ParkedKey): string {
  return `pk-${topic}-${partition}-${offset}-${consumer === '*' ? 'all' : consumer.replace('@', '-')}`;
}

export function parkedKeyOf(id: string): ParkedKey | undefined {
  const match = idPattern.exec(id);
  if (match === null) return undefined;
  const [, topic, partition, offset, projection, version] = match;
  const consumer = projection === undefined ? '*' : `${projection}@${version}`;
  return { topic: topic as string, partition: Number(partition), offset: offset as string, consumer };
}

function decide(command: ParkedCommand, state: ParkedAggregateState): Decision<ParkedDraft> {
  if (command.type === 'OrderRedrive') return order(command, state);
  if (state.status === 'absent' || command.order !== state.order) return accept<ParkedDraft>();
  // In a database that is older than the log an order is done again; where it fails this time, the event stands parked again.
  const isUndone = command.type === 'RecordFailed' && state.status === 'redriven';
  if (state.redrive === 'closed' && !isUndone) return accept<ParkedDraft>();
  const { parkedId, topic, partition, offset, consumer, requestedBy, reason } = state;
  const common = { parkedId, topic, partition, offset, consumer, order: state.order, requestedBy, reason };
  if (command.type === 'RecordFailed') {
    const { code, message, attempts } = command;
    return accept<ParkedDraft>(parkedRetryFailed.draft({ ...common, code, message, attempts }));
  }
  const done = { ...common, applied: command.applied };
  return state.verb === 'discard' ? accept<ParkedDraft>(parkedDiscarded.draft(done)) : accept<ParkedDraft>(parkedRedriven.draft(done));
}

function order(command: Extract<ParkedCommand, { type: 'OrderRedrive' }>, state: ParkedAggregateState): Decision<ParkedDraft> {
  const { topic, partition, offset, consumer, verb, requestedBy, reason } = command;
  const before = state.status === 'absent' ? undefined : state;
  if (verb === 'discard' && !saysWhy(reason)) return refuse('reason-missing', `reason: ${reasonRule}`);
  if (before?.redrive === 'open') {
    return before.verb === verb
      ? accept<ParkedDraft>()
      : refuse('parked-busy', `A ${before.verb} of ${before.parkedId} was asked for already and is not done yet.`);
  }
  if (verb === 'retry' && before !== undefined && isLeftOut(before)) {
    return refuse('parked-discarded', `${before.parkedId} was discarded: it is left out for good.`);
  }
  const parkedId = parkedIdOf(command);
  const data = { parkedId, topic, partition, offset, consumer, order: (before?.order ?? 0) + 1, requestedBy, reason };
  return verb === 'discard' ? accept<ParkedDraft>(parkedDiscardRequested.draft(data)) : accept<ParkedDraft>(parkedRetryRequested.draft(data));
}

function isLeftOut({ status, leftOut }: KnownParked): boolean {
  return leftOut === true || status === 'discarded';
}

const statuses: { readonly [Type in ParkedDraft['type']]: KnownParked['status'] } = {
  [parkedRetryRequested.type]: 'ordered',
  [parkedDiscardRequested.type]: 'ordered',
  [parkedRedriven.type]: 'redriven',
  [parkedRetryFailed.type]: 'failed',
  [parkedDiscarded.type]: 'discarded',
};

function evolve(before: ParkedAggregateState, { type, data }: ParkedDraft): KnownParked {
  const { parkedId, topic, partition, offset, consumer, order: number, requestedBy, reason } = data;
  const status = statuses[type];
  const asked = type === parkedDiscardRequested.type ? 'discard' : 'retry';
  const verb = status === 'ordered' || before.status === 'absent' ? asked : before.verb;
  const about = { parkedId, topic, partition, offset, consumer, order: number, requestedBy, reason };
  const leftOut = status === 'discarded' || (before.status !== 'absent' && isLeftOut(before));
  return { ...about, status, verb, redrive: status === 'ordered' ? 'open' : 'closed', ...(leftOut ? { leftOut } : {}) };
}

export const parkedDecider: Decider<ParkedAggregateState, ParkedCommand, ParkedDraft> = { initialState: { status: 'absent' }, decide, evolve };

/** What was asked for one parked event; the event itself was parked by its reader. */
export const parkedAggregate = { context: 'operation', decider: parkedDecider } as const;

export const parkedEventTypes: readonly string[] = Object.keys(statuses);
