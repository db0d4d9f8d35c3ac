import { streamCreated, streamInterrupted, streamPublishRejected, streamStarted, streamStopped, type DraftOf, type StreamEventDefinition } from '#events';
import { accept, refuse, unreachable, type Decider, type Decision } from '#kernel';
import { settingsProblem } from './ladder.core.ts';
import type { CreateStream, Interrupt, RejectPublish, RejectReason, StartPublishing, Stop, StreamCommand } from './stream.commands.ts';
import type { PublisherSession, StreamState } from './stream.state.ts';

export type StreamDraft = DraftOf<StreamEventDefinition>;
type StreamDecision = Decision<StreamDraft>;

const nameLengthMax = 200;

/** Equal without telling by its duration how far the two agree. */
function sameHash(left: string, right: string): boolean {
  let different = left.length ^ right.length;
  for (let at = 0; at < left.length; at++) different |= left.charCodeAt(at) ^ right.charCodeAt(at);
  return different === 0;
}

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

/** The fencing epoch that a new session must exceed. */
function lastEpoch(state: StreamState): number {
  return state.status === 'live' || state.status === 'interrupted' ? state.epoch : 0;
}

function startPublishing(command: StartPublishing, state: StreamState): StreamDecision {
  const { streamId, sessionId, epoch, endpoint, remoteAddress, node, relayUrl } = command;
  if (state.status === 'absent') return rejected(command, 'unknown-stream', 'There is no such stream. Create it first.');
  if (command.secretHash !== null && !sameHash(command.secretHash, state.keyHash)) return rejected(command, 'bad-key', 'The stream key does not match.');
  if (state.status === 'stopped') return rejected(command, 'stream-stopped', 'The stream has ended. Create a new one.');
  // The same session again is the retry of a command whose answer was lost.
  if (state.status === 'live' && state.sessionId === sessionId) return accept<StreamDraft>();
  const started = streamStarted.draft({ streamId, sessionId, epoch, endpoint, remoteAddress, node, relayUrl });
  if (epoch > lastEpoch(state)) {
    // A greater epoch proves that the lease of the live session is gone, and its ingest with it.
    if (state.status !== 'live') return accept<StreamDraft>(started);
    const detail = 'Its ingest lost the lease.';
    return accept<StreamDraft>(streamInterrupted.draft({ streamId, sessionId: state.sessionId, reason: 'ingest-lost', detail }), started);
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
  const { streamId, name, keyHash, ladder, audioBitrate, segmentDurationMs, graceMs, dvrWindowMs } = state;
  const facts = { streamId, name, keyHash, ladder, audioBitrate, segmentDurationMs, graceMs, dvrWindowMs };
  switch (event.type) {
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
