import {
  streamCreated,
  streamInterrupted,
  streamKeyIssued,
  streamKeyUsed,
  streamPublishRejected,
  streamStarted,
  streamStopped,
  type DraftOf,
  type StreamEventDefinition,
  type StreamKeyEventDefinition,
} from '#events';
import { accept, refuse, unreachable, type Decider, type Decision } from '#kernel';
import { settingsProblem } from './ladder.core.ts';
import { findKey, judgeKey, withKey, withUsed, type IssuedKey } from './issued-keys.core.ts';
import type { CreateStream, Interrupt, IssueKey, RejectPublish, RejectReason, StartPublishing, Stop, StreamCommand } from './stream.commands.ts';
import type { PublisherSession, StreamState } from './stream.state.ts';

export type StreamDraft = DraftOf<StreamEventDefinition | StreamKeyEventDefinition>;
type StreamDecision = Decision<StreamDraft>;

const nameLengthMax = 200;

function rejected(command: StartPublishing | RejectPublish, reason: RejectReason, detail: string): StreamDecision {
  const { streamId, remoteAddress, node } = command;
  return refuse<StreamDraft>(reason, detail, streamPublishRejected.draft({ streamId, reason, detail, remoteAddress, node }));
}

function create(command: CreateStream, state: StreamState): StreamDecision {
  if (state.status !== 'absent') return refuse('stream-exists', `The stream ${command.streamId} exists already.`);
  if (command.name.trim() === '' || command.name.length > nameLengthMax) return refuse('invalid-setting', `name: A name has 1 to ${nameLengthMax} characters.`);
  const problem = settingsProblem(command);
  if (problem !== undefined) return refuse('invalid-setting', `${problem.field}: ${problem.message}`);
  const { streamId, name, keyHash, audioBitrate, segmentDurationMs, graceMs, dvrWindowMs } = command;
  const settings = { ladder: [...command.ladder], audioBitrate, segmentDurationMs, graceMs, dvrWindowMs };
  return accept<StreamDraft>(streamCreated.draft({ streamId, name, keyHash, ...settings }));
}

/** Heads from before keys could be issued have the first one alone. */
function keysOf(state: Exclude<StreamState, { status: 'absent' }>): readonly IssuedKey[] {
  return state.keys ?? [{ hash: state.keyHash, untilMs: 0, singleUse: false, used: false }];
}

function issueKey(command: IssueKey, state: StreamState): StreamDecision {
  const { streamId, keyHash, expiresAtMs, singleUse, previousUntilMs } = command;
  if (state.status === 'absent') return refuse('unknown-stream', `There is no stream ${streamId}.`);
  if (state.status === 'stopped') return refuse('stream-stopped', 'The stream has ended: nobody publishes to it any more.');
  // The same key asked for again is the retry of a command whose answer was lost.
  if (findKey(keysOf(state), keyHash) !== undefined) return accept<StreamDraft>();
  return accept<StreamDraft>(streamKeyIssued.draft({ streamId, keyHash, expiresAtMs, singleUse, previousUntilMs }));
}

const keyRefusals = {
  unknown: ['bad-key', 'The stream key does not match.'],
  expired: ['key-expired', 'The stream key has expired. Get a new one.'],
  used: ['key-expired', 'The stream key was for one publication, and has been used. Get a new one.'],
} as const;

/** The fencing epoch that a new session must exceed. */
function lastEpoch(state: StreamState): number {
  return state.status === 'live' || state.status === 'interrupted' ? state.epoch : 0;
}

function startPublishing(command: StartPublishing, state: StreamState): StreamDecision {
  const { streamId, sessionId, epoch, endpoint, remoteAddress, node, relayUrl } = command;
  if (state.status === 'absent') return rejected(command, 'unknown-stream', 'There is no such stream. Create it first.');
  // The same session again is the retry of a command whose answer was lost; its key may be used up by now.
  if (state.status === 'live' && state.sessionId === sessionId) return accept<StreamDraft>();
  const key = command.secretHash === null ? undefined : findKey(keysOf(state), command.secretHash);
  const judgement = command.secretHash === null ? 'good' : judgeKey(key, command.nowMs);
  if (judgement !== 'good') {
    const [reason, detail] = keyRefusals[judgement];
    return rejected(command, reason, detail);
  }
  if (state.status === 'stopped') return rejected(command, 'stream-stopped', 'The stream has ended. Create a new one.');
  const started = streamStarted.draft({ streamId, sessionId, epoch, endpoint, remoteAddress, node, relayUrl });
  if (epoch > lastEpoch(state)) {
    // A greater epoch proves that the lease of the live session is gone, and its ingest with it.
    const used = key?.singleUse === true ? [streamKeyUsed.draft({ streamId, keyHash: key.hash })] : [];
    if (state.status !== 'live') return accept<StreamDraft>(started, ...used);
    const detail = 'Its ingest lost the lease.';
    return accept<StreamDraft>(streamInterrupted.draft({ streamId, sessionId: state.sessionId, reason: 'ingest-lost', detail }), started, ...used);
  }
  if (state.status === 'live') return rejected(command, 'already-publishing', 'Another publisher is live on this stream.');
  return rejected(command, 'busy', 'Another ingest node holds this stream. Try again in a few seconds.');
}

function interrupt(command: Interrupt, state: StreamState): StreamDecision {
  if (state.status === 'absent') return refuse('unknown-stream', `There is no stream ${command.streamId}.`);
  if (state.status !== 'live' || state.sessionId !== command.sessionId) return accept<StreamDraft>();
  const { streamId, sessionId, reason, detail } = command;
  return accept<StreamDraft>(streamInterrupted.draft({ streamId, sessionId, reason, detail }));
}

function stop(command: Stop, state: StreamState): StreamDecision {
  if (state.status === 'absent') return refuse('unknown-stream', `There is no stream ${command.streamId}.`);
  if (state.status === 'stopped') return accept<StreamDraft>();
  if (command.reason === 'publisher-gone') {
    const gone = state.status === 'interrupted' && (command.sessionId === undefined || command.sessionId === state.sessionId);
    if (!gone) return refuse('not-interrupted', 'The publisher is not gone: the stream is not interrupted, or by another session.');
  }
  const { streamId, reason, detail } = command;
  return accept<StreamDraft>(streamStopped.draft({ streamId, reason, detail }));
}

function decide(command: StreamCommand, state: StreamState): StreamDecision {
  switch (command.type) {
    case 'CreateStream':
      return create(command, state);
    case 'IssueKey':
      return issueKey(command, state);
    case 'StartPublishing':
      return startPublishing(command, state);
    case 'RejectPublish':
      return rejected(command, command.reason, command.detail);
    case 'Interrupt':
      return interrupt(command, state);
    case 'Stop':
      return stop(command, state);
    default:
      return unreachable(command);
  }
}

function evolve(state: StreamState, event: StreamDraft): StreamState {
  if (event.type === streamCreated.type) return { status: 'created', ...event.data };
  if (state.status === 'absent') return state;
  const { streamId, name, keyHash, ladder, audioBitrate, segmentDurationMs, graceMs, dvrWindowMs, keys } = state;
  const facts = { streamId, name, keyHash, ladder, audioBitrate, segmentDurationMs, graceMs, dvrWindowMs, ...(keys === undefined ? {} : { keys }) };
  switch (event.type) {
    case streamKeyIssued.type: {
      const { keyHash: hash, expiresAtMs: untilMs, singleUse, previousUntilMs } = event.data;
      return { ...state, keys: withKey(keysOf(state), { hash, untilMs, singleUse, used: false }, previousUntilMs) };
    }
    case streamKeyUsed.type:
      return { ...state, keys: withUsed(keysOf(state), event.data.keyHash) };
    case streamStarted.type: {
      const { sessionId, epoch, endpoint, remoteAddress, node, relayUrl } = event.data;
      return { status: 'live', ...facts, sessionId, epoch, endpoint, remoteAddress, node, relayUrl };
    }
    case streamInterrupted.type:
      return state.status === 'live' ? { status: 'interrupted', ...facts, ...sessionOf(state), reason: event.data.reason } : state;
    case streamStopped.type:
      return { status: 'stopped', ...facts, reason: event.data.reason };
    default:
      return state;
  }
}

function sessionOf({ sessionId, epoch, endpoint, remoteAddress, node, relayUrl }: PublisherSession): PublisherSession {
  return { sessionId, epoch, endpoint, remoteAddress, node, relayUrl };
}

/** Rules of a stream's life: created → live ⇄ interrupted → stopped (docs/ARCHITECTURE.md, "From publisher to playlist"). */
export const streamDecider: Decider<StreamState, StreamCommand, StreamDraft> = { initialState: { status: 'absent' }, decide, evolve };

export const streamAggregate = { context: 'stream', decider: streamDecider } as const;
