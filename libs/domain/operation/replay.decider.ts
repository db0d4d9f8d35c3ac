import {
  projectionPromoted,
  projectionRolledBack,
  replayCancelled,
  replayCompared,
  replayCompleted,
  replayFailed,
  replayPaused,
  replayPromotionRequested,
  replayRequested,
  replayResumed,
  replayRollbackRefused,
  replayRollbackRequested,
  replayStarted,
  type DraftOf,
  type ReplayEventDefinition,
} from '#events';
import { accept, refuse, unreachable, type Decider, type Decision } from '#kernel';

export interface ReplayOrder {
  readonly replayId: string;
  readonly projection: string;
  readonly mode: 'rebuild' | 'comparison';
  readonly fromMs: number | null;
  readonly untilMs: number | null;
  readonly partitions: readonly number[] | null;
  readonly promote: boolean;
  readonly reason: string;
  /** `stop` when left out. */
  readonly onPoison?: OnPoison;
  /** May be promoted although the log no longer holds all that what serves was made of; false when left out. */
  readonly acceptLoss?: boolean;
}

/** What a replay does at an event that its projection cannot handle. */
export type OnPoison = 'stop' | 'skip';

/** An event that was passed over. */
export interface PoisonedEvent {
  /** `topic/partition/offset` */
  readonly place: string;
  readonly code: string;
  readonly message: string;
}

export type ReplayCommand =
  | (ReplayOrder & { readonly type: 'RequestReplay' })
  | { readonly type: 'StartReplay'; readonly projectionVersion: number; readonly owner: string }
  | { readonly type: 'PauseReplay' }
  | { readonly type: 'ResumeReplay' }
  | { readonly type: 'CancelReplay'; readonly reason: string }
  | {
      readonly type: 'CompleteReplay';
      readonly events: number;
      readonly skipped: number;
      readonly poisoned: readonly PoisonedEvent[];
      readonly eventsGone: number;
    }
  | { readonly type: 'FailReplay'; readonly code: string; readonly message: string }
  | {
      readonly type: 'RecordComparison';
      readonly equal: boolean;
      readonly added: number;
      readonly removed: number;
      readonly changed: number;
      readonly digest: string;
      readonly eventsGone: number;
    }
  | { readonly type: 'PromoteReplay'; readonly acceptLoss: boolean }
  | { readonly type: 'RecordPromotion'; readonly fromVersion: number; readonly toVersion: number }
  | { readonly type: 'RollBackReplay'; readonly reason: string }
  | { readonly type: 'RecordRollBack'; readonly fromVersion: number; readonly toVersion: number }
  | { readonly type: 'RefuseRollBack'; readonly code: string; readonly message: string };

export type ReplayDraft = DraftOf<ReplayEventDefinition>;

/** `promoting` and `rolling-back` last until the projector has done it. */
export type ReplayStatus =
  | 'requested'
  | 'running'
  | 'paused'
  | 'ready'
  | 'promoting'
  | 'promoted'
  | 'rolling-back'
  | 'rolled-back'
  | 'compared'
  | 'cancelled'
  | 'failed';

export interface KnownReplay extends ReplayOrder {
  readonly status: ReplayStatus;
  /** `open`: the projector has something to do for it. */
  readonly phase: 'open' | 'closed';
  /** Of the code that builds it; 0 before it started. */
  readonly projectionVersion: number;
  /** Events that the log no longer held when it began; left out before it was done. */
  readonly eventsGone?: number;
}

export type ReplayState = { readonly status: 'absent' } | KnownReplay;

/** A replay that leaves out a part of the log can be looked at, never served. */
export function isPartial({ fromMs, untilMs, partitions }: Pick<ReplayOrder, 'fromMs' | 'untilMs' | 'partitions'>): boolean {
  return fromMs !== null || untilMs !== null || partitions !== null;
}

/** One that would lose, if readers saw it, what nobody has said may be lost. */
export function isHeldBack({ eventsGone = 0, acceptLoss = false }: Pick<KnownReplay, 'eventsGone' | 'acceptLoss'>): boolean {
  return eventsGone > 0 && !acceptLoss;
}

/** Why it is held back, and the way out. */
export function heldBackNote({ replayId, eventsGone = 0 }: Pick<KnownReplay, 'replayId' | 'eventsGone'>): string {
  return `The log no longer holds ${eventsGone.toLocaleString('en-US')} events from before it began: rows that only they told of are not in it. What serves stays until you accept that: streams replay promote ${replayId} --accept-loss (over REST: acceptLoss).`;
}

/** A build that would serve by now, were it not for what it lacks. */
export function isHeldUp(replay: KnownReplay): boolean {
  return replay.status === 'ready' && replay.promote && isHeldBack(replay);
}

const building: readonly ReplayStatus[] = ['requested', 'running', 'paused'];

function wrongStatus(state: KnownReplay, verb: string): Decision<ReplayDraft> {
  return refuse('replay-status', `The replay ${state.replayId} is ${state.status}: it cannot be ${verb}.`);
}

function request({ type: _type, ...order }: ReplayOrder & { readonly type: 'RequestReplay' }): Decision<ReplayDraft> {
  const { fromMs, untilMs, promote, mode } = order;
  if (fromMs !== null && untilMs !== null && fromMs >= untilMs) return refuse('invalid-window', 'until: It must lie after "from".');
  if (promote && isPartial(order)) return refuse('replay-partial', 'promote: A replay of a part of the log cannot serve, so it is not promoted.');
  if (promote && mode === 'comparison') return refuse('replay-partial', 'promote: A comparison is dropped when it is done.');
  return accept<ReplayDraft>(
    replayRequested.draft({
      ...order,
      partitions: order.partitions === null ? null : [...order.partitions],
      onPoison: order.onPoison ?? 'stop',
      acceptLoss: order.acceptLoss ?? false,
    }),
  );
}

/** What the projector says about its work; late words about a replay that is over are not facts any more. */
function record(command: ReplayCommand, state: KnownReplay): Decision<ReplayDraft> | undefined {
  const { replayId, projection, status, mode } = state;
  switch (command.type) {
    case 'StartReplay':
      return status === 'requested'
        ? accept<ReplayDraft>(replayStarted.draft({ replayId, projectionVersion: command.projectionVersion, owner: command.owner }))
        : accept<ReplayDraft>();
    case 'CompleteReplay': {
      const { type: _type, poisoned, ...counts } = command;
      // A promotion that was decided before anybody knew what it would lose is taken back.
      const isTakenBack = status === 'promoting' && isHeldBack({ ...state, eventsGone: command.eventsGone });
      if ((status !== 'running' && !isTakenBack) || mode !== 'rebuild') return accept<ReplayDraft>();
      return accept<ReplayDraft>(replayCompleted.draft({ replayId, ...counts, poisoned: [...poisoned] }));
    }
    case 'FailReplay':
      if (!building.includes(status) && status !== 'ready' && status !== 'promoting') return accept<ReplayDraft>();
      return accept<ReplayDraft>(replayFailed.draft({ replayId, code: command.code, message: command.message }));
    case 'RecordComparison': {
      const { type: _type, ...compared } = command;
      return status === 'running' ? accept<ReplayDraft>(replayCompared.draft({ replayId, ...compared })) : accept<ReplayDraft>();
    }
    case 'RecordPromotion': {
      const { fromVersion, toVersion } = command;
      return status === 'promoting' ? accept<ReplayDraft>(projectionPromoted.draft({ replayId, projection, fromVersion, toVersion })) : accept<ReplayDraft>();
    }
    case 'RecordRollBack': {
      const { fromVersion, toVersion } = command;
      return status === 'rolling-back'
        ? accept<ReplayDraft>(projectionRolledBack.draft({ replayId, projection, fromVersion, toVersion }))
        : accept<ReplayDraft>();
    }
    case 'RefuseRollBack':
      return status === 'rolling-back'
        ? accept<ReplayDraft>(replayRollbackRefused.draft({ replayId, code: command.code, message: command.message }))
        : accept<ReplayDraft>();
    default:
      return undefined;
  }
}

function decide(command: ReplayCommand, state: ReplayState): Decision<ReplayDraft> {
  if (command.type === 'RequestReplay') return state.status === 'absent' ? request(command) : accept<ReplayDraft>();
  if (state.status === 'absent') return refuse('unknown-replay', 'There is no such replay.');
  const recorded = record(command, state);
  if (recorded !== undefined) return recorded;
  const { replayId, status } = state;
  switch (command.type) {
    case 'PauseReplay':
      if (status === 'paused') return accept<ReplayDraft>();
      return building.includes(status) ? accept<ReplayDraft>(replayPaused.draft({ replayId })) : wrongStatus(state, 'paused');
    case 'ResumeReplay':
      if (status === 'requested' || status === 'running') return accept<ReplayDraft>();
      return status === 'paused' ? accept<ReplayDraft>(replayResumed.draft({ replayId })) : wrongStatus(state, 'resumed');
    case 'CancelReplay':
      if (status === 'cancelled') return accept<ReplayDraft>();
      if (!building.includes(status) && status !== 'ready') return wrongStatus(state, 'cancelled');
      return accept<ReplayDraft>(replayCancelled.draft({ replayId, reason: command.reason }));
    case 'PromoteReplay':
      if (status === 'promoting' || status === 'promoted') return accept<ReplayDraft>();
      if (isPartial(state)) return refuse('replay-partial', `The replay ${replayId} leaves out a part of the log, so it cannot serve.`);
      if (status !== 'ready') return wrongStatus(state, 'promoted');
      if (!command.acceptLoss && isHeldBack(state)) return refuse('replay-past-gone', heldBackNote(state));
      return accept<ReplayDraft>(replayPromotionRequested.draft({ replayId, acceptLoss: command.acceptLoss }));
    case 'RollBackReplay':
      if (status === 'rolling-back' || status === 'rolled-back') return accept<ReplayDraft>();
      return status === 'promoted'
        ? accept<ReplayDraft>(replayRollbackRequested.draft({ replayId, reason: command.reason }))
        : wrongStatus(state, 'rolled back');
    default:
      return unreachable(command as never);
  }
}

/** @param state with what the event says */
function statusAfter(state: KnownReplay, event: ReplayDraft): ReplayStatus {
  switch (event.type) {
    case replayRequested.type:
      return 'requested';
    case replayStarted.type:
      return 'running';
    case replayResumed.type:
      return state.projectionVersion === 0 ? 'requested' : 'running';
    case replayPaused.type:
      return 'paused';
    case replayCancelled.type:
      return 'cancelled';
    case replayCompleted.type:
      return state.promote && !isHeldBack(state) ? 'promoting' : 'ready';
    case replayFailed.type:
      return 'failed';
    case replayCompared.type:
      return 'compared';
    case replayPromotionRequested.type:
      return 'promoting';
    case projectionPromoted.type:
    case replayRollbackRefused.type:
      return 'promoted';
    case replayRollbackRequested.type:
      return 'rolling-back';
    case projectionRolledBack.type:
      return 'rolled-back';
    default:
      return unreachable(event as never);
  }
}

const attended: readonly ReplayStatus[] = ['requested', 'running', 'promoting', 'rolling-back'];

/** What an event tells of a replay beside its status. */
function saidBy(event: ReplayDraft, { acceptLoss = false }: KnownReplay): Partial<KnownReplay> {
  switch (event.type) {
    case replayStarted.type:
      return { projectionVersion: event.data.projectionVersion };
    case replayCompleted.type:
    case replayCompared.type:
      return { eventsGone: event.data.eventsGone };
    case replayPromotionRequested.type:
      return { acceptLoss: acceptLoss || event.data.acceptLoss };
    default:
      return {};
  }
}

function evolve(before: ReplayState, event: ReplayDraft): ReplayState {
  const known: KnownReplay =
    event.type === replayRequested.type ? { ...event.data, status: 'requested', phase: 'open', projectionVersion: 0 } : (before as KnownReplay);
  const told: KnownReplay = { ...known, ...saidBy(event, known) };
  const status = statusAfter(told, event);
  // One that is ready follows the log until somebody decides; a part of the log has nothing to follow.
  const isOpen = attended.includes(status) || (status === 'ready' && !isPartial(known));
  return { ...told, status, phase: isOpen ? 'open' : 'closed' };
}

export const replayDecider: Decider<ReplayState, ReplayCommand, ReplayDraft> = { initialState: { status: 'absent' }, decide, evolve };

export const replayAggregate = { context: 'operation', decider: replayDecider } as const;
