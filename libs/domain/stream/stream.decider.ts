import {
  failoverRequested,
  publisherJoined,
  publisherLeft,
  streamCreated,
  streamInterrupted,
  streamKeyIssued,
  streamKeyUsed,
  streamPublishRejected,
  streamStarted,
  streamStopped,
  type DraftOf,
  type FailoverEventDefinition,
  type StreamEventDefinition,
  type StreamKeyEventDefinition,
} from '#events';
import { accept, refuse, unreachable, type Decider, type Decision } from '#kernel';
import { settingsProblem } from './ladder.core.ts';
import { findKey, isFull, issuedKeysMax, judgeKey, withKey, withUsed, type IssuedKey } from './issued-keys.core.ts';
import type { CreateStream, Interrupt, IssueKey, RejectPublish, StartPublishing, Stop, StreamCommand, SwitchPublisher } from './stream.commands.ts';
import type { RejectReason } from './reasons.ts';
import { lastEpoch, publishersOf, type PublisherSession, type StreamIdentity, type StreamState } from './stream.state.ts';

export type StreamDraft = DraftOf<StreamEventDefinition | StreamKeyEventDefinition | FailoverEventDefinition>;
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
  const { audioTracks = [] } = command;
  const told = {
    ...(command.lowLatency === false && { lowLatency: false }),
    ...(command.unlisted === true && { unlisted: true }),
    ...(audioTracks.length > 0 && { audioTracks: [...audioTracks] }),
  };
  const settings = { ladder: [...command.ladder], audioBitrate, segmentDurationMs, graceMs, dvrWindowMs, ...told };
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
  if (isFull(keysOf(state), command.nowMs, previousUntilMs))
    return refuse('keys-full', `The stream has ${issuedKeysMax} keys that work: say when those before this one end, or wait until one has.`);
  return accept<StreamDraft>(streamKeyIssued.draft({ streamId, keyHash, expiresAtMs, singleUse, previousUntilMs }));
}

const keyRefusals = {
  unknown: ['bad-key', 'The stream key does not match.'],
  expired: ['key-expired', 'The stream key has expired. Get a new one.'],
  used: ['key-expired', 'The stream key was for one publication, and has been used. Get a new one.'],
} as const;

function startPublishing(command: StartPublishing, state: StreamState): StreamDecision {
  const { streamId, sessionId, endpoint } = command;
  if (state.status === 'absent') return rejected(command, 'unknown-stream', 'There is no such stream. Create it first.');
  const publishers = publishersOf(state);
  // The same session again is the retry of a command whose answer was lost; its key may be used up by now.
  if (publishers.some((one) => one.sessionId === sessionId)) return accept<StreamDraft>();
  const key = command.secretHash === null ? undefined : findKey(keysOf(state), command.secretHash);
  const judgement = command.secretHash === null ? 'good' : judgeKey(key, command.nowMs);
  if (judgement !== 'good') {
    const [reason, detail] = keyRefusals[judgement];
    return rejected(command, reason, detail);
  }
  if (state.status === 'stopped') return rejected(command, 'stream-stopped', 'The stream has ended. Create a new one.');
  const rival = publishers.find((one) => one.endpoint === endpoint);
  if (command.epoch > lastEpoch(state, endpoint)) {
    const used = key?.singleUse === true ? [streamKeyUsed.draft({ streamId, keyHash: key.hash })] : [];
    return accept<StreamDraft>(...admitted(command, publishers, rival), ...used);
  }
  if (rival !== undefined) return rejected(command, 'already-publishing', `Another publisher is live on the ${endpoint} endpoint of this stream.`);
  return rejected(command, 'busy', `Somebody else has just taken the ${endpoint} endpoint of this stream. Try again in a few seconds.`);
}

/** @param rival whose lease is gone, and its ingest with it: a greater epoch proves it */
function admitted(command: StartPublishing, publishers: readonly PublisherSession[], rival: PublisherSession | undefined): readonly StreamDraft[] {
  const { streamId, sessionId, epoch, endpoint, remoteAddress, node, relayUrl } = command;
  const session = { streamId, sessionId, epoch, endpoint, remoteAddress, node, relayUrl };
  const lost = rival === undefined ? [] : [ended(streamId, rival, publishers, { reason: 'ingest-lost', detail: 'Its ingest lost the lease.' })];
  const isFirst = publishers.every((one) => one === rival);
  return [...lost, isFirst ? streamStarted.draft(session) : publisherJoined.draft(session)];
}

/** The end of a session is the stream's interruption where it was the last one. */
function ended(
  streamId: string,
  { sessionId, endpoint }: PublisherSession,
  publishers: readonly PublisherSession[],
  why: Pick<Interrupt, 'reason' | 'detail'>,
): StreamDraft {
  return publishers.length > 1 ? publisherLeft.draft({ streamId, sessionId, endpoint, ...why }) : streamInterrupted.draft({ streamId, sessionId, ...why });
}

function interrupt(command: Interrupt, state: StreamState): StreamDecision {
  if (state.status === 'absent') return refuse('unknown-stream', `There is no stream ${command.streamId}.`);
  const { streamId, sessionId, reason, detail } = command;
  const publishers = publishersOf(state);
  const gone = publishers.find((one) => one.sessionId === sessionId);
  return gone === undefined ? accept<StreamDraft>() : accept<StreamDraft>(ended(streamId, gone, publishers, { reason, detail }));
}

function switchPublisher({ streamId, to, reason }: SwitchPublisher, state: StreamState): StreamDecision {
  if (state.status === 'absent') return refuse('unknown-stream', `There is no stream ${streamId}.`);
  if (state.status === 'stopped') return refuse('stream-stopped', 'The stream has ended.');
  if (!publishersOf(state).some(({ endpoint }) => endpoint === to)) return refuse('no-publisher', `Nobody publishes to the ${to} endpoint of this stream.`);
  return accept<StreamDraft>(failoverRequested.draft({ streamId, to, reason }));
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
    case 'SwitchPublisher':
      return switchPublisher(command, state);
    case 'Stop':
      return stop(command, state);
    default:
      return unreachable(command);
  }
}

function evolve(state: StreamState, event: StreamDraft): StreamState {
  if (event.type === streamCreated.type) return { status: 'created', ...event.data };
  if (state.status === 'absent') return state;
  switch (event.type) {
    case streamKeyIssued.type: {
      const { keyHash: hash, expiresAtMs: untilMs, singleUse, previousUntilMs } = event.data;
      return { ...state, keys: withKey(keysOf(state), { hash, untilMs, singleUse, used: false }, previousUntilMs) };
    }
    case streamKeyUsed.type:
      return { ...state, keys: withUsed(keysOf(state), event.data.keyHash) };
    case streamStarted.type:
      return { status: 'live', ...identityOf(state), ...withEpoch(state, event.data), ...sessionOf(event.data) };
    case publisherJoined.type:
      return state.status === 'live' ? { ...state, ...withEpoch(state, event.data), other: sessionOf(event.data) } : state;
    case publisherLeft.type:
      return withoutPublisher(state, event.data.sessionId);
    case failoverRequested.type:
      return { ...state, preferred: event.data.to };
    case streamInterrupted.type:
      return state.status === 'live' ? { status: 'interrupted', ...identityOf(state), ...sessionOf(state), reason: event.data.reason } : state;
    case streamStopped.type:
      return { status: 'stopped', ...identityOf(state), reason: event.data.reason };
    default:
      return state;
  }
}

type Known = Exclude<StreamState, { status: 'absent' }>;

function identityOf(state: Known): StreamIdentity {
  const { streamId, name, keyHash, ladder, audioBitrate, segmentDurationMs, graceMs, dvrWindowMs, lowLatency, unlisted, audioTracks, keys, epochs, preferred } =
    state;
  const told = { ...(lowLatency !== undefined && { lowLatency }), ...(unlisted !== undefined && { unlisted }), ...(audioTracks && { audioTracks }) };
  const later = { ...told, ...(keys && { keys }), ...(epochs && { epochs }), ...(preferred && { preferred }) };
  return { streamId, name, keyHash, ladder, audioBitrate, segmentDurationMs, graceMs, dvrWindowMs, ...later };
}

function withEpoch(state: Known, { endpoint, epoch }: Pick<PublisherSession, 'endpoint' | 'epoch'>): Pick<StreamIdentity, 'epochs'> {
  const before = { primary: lastEpoch(state, 'primary'), backup: lastEpoch(state, 'backup') };
  return { epochs: { ...before, [endpoint]: Math.max(before[endpoint], epoch) } };
}

/** The other one takes the flat place. */
function withoutPublisher(state: Known, sessionId: string): StreamState {
  const left = publishersOf(state).find((one) => one.sessionId !== sessionId);
  return state.status !== 'live' || left === undefined ? state : { status: 'live', ...identityOf(state), ...sessionOf(left) };
}

function sessionOf({ sessionId, epoch, endpoint, remoteAddress, node, relayUrl }: PublisherSession): PublisherSession {
  return { sessionId, epoch, endpoint, remoteAddress, node, relayUrl };
}

/** Rules of a stream's life: created → live ⇄ interrupted → stopped (docs/ARCHITECTURE.md, "From publisher to playlist"). */
export const streamDecider: Decider<StreamState, StreamCommand, StreamDraft> = { initialState: { status: 'absent' }, decide, evolve };

export const streamAggregate = { context: 'stream', decider: streamDecider } as const;
