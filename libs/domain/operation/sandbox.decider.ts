import { sandboxCreated, sandboxDropped, sandboxDropRequested, sandboxFailed, sandboxReady, type DraftOf, type SandboxEventDefinition } from '#events';
import { accept, refuse, unreachable, type Decider, type Decision } from '#kernel';

export interface SandboxOrder {
  readonly name: string;
  readonly sandboxId: string;
  readonly projections: readonly string[];
  readonly fromMs: number | null;
  readonly untilMs: number;
  readonly expiresAtMs: number;
  readonly reason: string;
}

/** What the projector says names the sandbox: a late word about one before it under the same name is no fact. */
export type SandboxCommand =
  | (SandboxOrder & { readonly type: 'CreateSandbox' })
  | { readonly type: 'RecordSandboxReady'; readonly sandboxId: string; readonly events: number; readonly skipped: number; readonly eventsGone: number }
  /** `isLost`: it was ready, and cannot be built again. Without it, a late word about one that is ready by now is no fact. */
  | { readonly type: 'FailSandbox'; readonly sandboxId: string; readonly code: string; readonly message: string; readonly isLost: boolean }
  | { readonly type: 'DropSandbox'; readonly reason: string; readonly requestedBy: string }
  | { readonly type: 'RecordSandboxDrop'; readonly sandboxId: string };

export type SandboxDraft = DraftOf<SandboxEventDefinition>;

export type SandboxStatus = 'building' | 'ready' | 'failed' | 'dropping' | 'dropped';

export interface KnownSandbox extends SandboxOrder {
  readonly status: SandboxStatus;
  /** `yes` until nothing is left of it. */
  readonly stands: 'yes' | 'no';
  /** Who asked for its end; missing in heads from before it was told. */
  readonly droppedBy?: string;
  /** Events that the log no longer held when it was built; missing while it is not, and in heads from before it was told. */
  readonly eventsGone?: number;
}

export type SandboxState = { readonly status: 'absent' } | KnownSandbox;

/** The aggregate of a name: under one name there is one sandbox at a time. */
export function sandboxAggregateId(name: string): string {
  return `sandbox:${name}`;
}

function create({ type: _type, ...order }: SandboxOrder & { readonly type: 'CreateSandbox' }, state: SandboxState): Decision<SandboxDraft> {
  if (state.status !== 'absent' && state.stands === 'yes') {
    // The same order again: a request that was repeated.
    if (state.sandboxId === order.sandboxId) return accept<SandboxDraft>();
    return refuse('sandbox-exists', `name: There is a sandbox ${order.name} already; drop it first, or choose another name.`);
  }
  if (order.fromMs !== null && order.fromMs >= order.untilMs) return refuse('invalid-window', 'until: It must lie after "from".');
  return accept<SandboxDraft>(sandboxCreated.draft({ ...order, projections: [...order.projections] }));
}

function decide(command: SandboxCommand, state: SandboxState): Decision<SandboxDraft> {
  if (command.type === 'CreateSandbox') return create(command, state);
  if (state.status === 'absent' || state.stands === 'no')
    return command.type === 'DropSandbox' ? refuse('unknown-sandbox', 'There is no such sandbox.') : accept<SandboxDraft>();
  const { name, sandboxId, status } = state;
  if ('sandboxId' in command && command.sandboxId !== sandboxId) return accept<SandboxDraft>();
  switch (command.type) {
    case 'RecordSandboxReady': {
      const { events, skipped, eventsGone } = command;
      return status === 'building' ? accept<SandboxDraft>(sandboxReady.draft({ name, sandboxId, events, skipped, eventsGone })) : accept<SandboxDraft>();
    }
    case 'FailSandbox':
      return status === 'building' || (status === 'ready' && command.isLost)
        ? accept<SandboxDraft>(sandboxFailed.draft({ name, sandboxId, code: command.code, message: command.message }))
        : accept<SandboxDraft>();
    case 'DropSandbox': {
      const { reason, requestedBy } = command;
      return status === 'dropping' ? accept<SandboxDraft>() : accept<SandboxDraft>(sandboxDropRequested.draft({ name, sandboxId, reason, requestedBy }));
    }
    case 'RecordSandboxDrop':
      return status === 'dropping' ? accept<SandboxDraft>(sandboxDropped.draft({ name, sandboxId })) : accept<SandboxDraft>();
    default:
      return unreachable(command as never);
  }
}

function evolve(before: SandboxState, event: SandboxDraft): SandboxState {
  if (event.type === sandboxCreated.type) return { ...event.data, status: 'building', stands: 'yes' };
  const known = before as KnownSandbox;
  switch (event.type) {
    case sandboxReady.type:
      return { ...known, status: 'ready', eventsGone: event.data.eventsGone };
    case sandboxFailed.type:
      return { ...known, status: 'failed' };
    case sandboxDropRequested.type:
      return { ...known, status: 'dropping', droppedBy: event.data.requestedBy };
    case sandboxDropped.type:
      return { ...known, status: 'dropped', stands: 'no' };
    default:
      return unreachable(event as never);
  }
}

export const sandboxDecider: Decider<SandboxState, SandboxCommand, SandboxDraft> = { initialState: { status: 'absent' }, decide, evolve };

export const sandboxAggregate = { context: 'operation', decider: sandboxDecider } as const;
