import { describe, expect, test } from '@jest/globals';
import {
  checkData,
  definitionOf,
  encodingStarted,
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
} from '#events';
import { defaultLadder } from './ladder.core.ts';
import type { CreateStream, Interrupt, IssueKey, StartPublishing, Stop, StreamCommand, SwitchPublisher } from './stream.commands.ts';
import { streamDecider, type StreamDraft } from './stream.decider.ts';
import type { StreamState } from './stream.state.ts';

const streamId = 'st-7f3k2m9q';
const keyHash = 'a'.repeat(64);
const create: CreateStream = {
  type: 'CreateStream',
  streamId,
  name: 'Evening news',
  keyHash,
  ladder: defaultLadder,
  audioBitrate: 128_000,
  segmentDurationMs: 2000,
  graceMs: 60_000,
  dvrWindowMs: 3_600_000,
};
const start: StartPublishing = {
  type: 'StartPublishing',
  streamId,
  secretHash: keyHash,
  sessionId: 's-1',
  nowMs: 10_000,
  epoch: 1,
  endpoint: 'primary',
  remoteAddress: '192.0.2.1:5000',
  node: 'node-1',
  relayUrl: 'http://127.0.0.1:8082/relay/st-7f3k2m9q',
};
const interrupt: Interrupt = { type: 'Interrupt', streamId, sessionId: 's-1', reason: 'connection-closed', detail: '' };
const stop: Stop = { type: 'Stop', streamId, reason: 'operator', detail: '' };

const created = streamCreated.draft({
  streamId,
  name: 'Evening news',
  keyHash,
  ladder: [...defaultLadder],
  audioBitrate: 128_000,
  segmentDurationMs: 2000,
  graceMs: 60_000,
  dvrWindowMs: 3_600_000,
});
const startedAs = (sessionId: string, epoch: number): StreamDraft => {
  const { endpoint, remoteAddress, node, relayUrl } = start;
  return streamStarted.draft({ streamId, sessionId, epoch, endpoint, remoteAddress, node, relayUrl });
};
const from = (node: string) => ({ remoteAddress: start.remoteAddress, node, relayUrl: start.relayUrl });
const started = startedAs('s-1', 1);
const interrupted = streamInterrupted.draft({ streamId, sessionId: 's-1', reason: 'connection-closed', detail: '' });
const stopped = streamStopped.draft({ streamId, reason: 'operator', detail: '' });

function given(...events: StreamDraft[]) {
  const state = events.reduce(streamDecider.evolve, streamDecider.initialState);
  return { state, when: (command: StreamCommand) => streamDecider.decide(command, state) };
}

/** What is decided fits the catalogue, whatever the test says about it. */
function expectValid(events: readonly StreamDraft[]): void {
  for (const event of events) expect(() => checkData(definitionOf(event.type) as NonNullable<ReturnType<typeof definitionOf>>, event.data)).not.toThrow();
}

describe('what happens', () => {
  test.each<[string, StreamDraft[], StreamCommand, StreamDraft[]]>([
    ['nothing yet, create', [], create, [created]],
    [
      'nothing yet, create without low latency and out of lists',
      [],
      { ...create, lowLatency: false, unlisted: true },
      [{ ...created, data: { ...created.data, lowLatency: false, unlisted: true } } as StreamDraft],
    ],
    ['created, publish', [created], start, [started]],
    ['created, publish with a token', [created], { ...start, secretHash: null }, [started]],
    ['live, the same session again', [created, started], start, []],
    ['live, its publisher goes', [created, started], interrupt, [interrupted]],
    ['live, an older session goes', [created, started, interrupted, startedAs('s-2', 2)], interrupt, []],
    ['interrupted, told again', [created, started, interrupted], interrupt, []],
    ['interrupted, the publisher returns', [created, started, interrupted], { ...start, sessionId: 's-2', epoch: 2 }, [startedAs('s-2', 2)]],
    [
      'interrupted, the grace period ends',
      [created, started, interrupted],
      { ...stop, reason: 'publisher-gone', sessionId: 's-1' },
      [streamStopped.draft({ streamId, reason: 'publisher-gone', detail: '' })],
    ],
    ['created, stop', [created], stop, [stopped]],
    ['live, stop', [created, started], stop, [stopped]],
    ['stopped, stop', [created, stopped], stop, []],
    ['stopped, the publisher is noticed to go', [created, started, stopped], interrupt, []],
    [
      'live, but the lease was taken anew: the old session is lost, the new one starts',
      [created, started],
      { ...start, sessionId: 's-2', epoch: 2 },
      [streamInterrupted.draft({ streamId, sessionId: 's-1', reason: 'ingest-lost', detail: 'Its ingest lost the lease.' }), startedAs('s-2', 2)],
    ],
  ])('%s', (_what, history, command, events) => {
    expect(given(...history).when(command)).toEqual({ refused: false, events });
    expectValid(events);
  });
});

describe('two publishers', () => {
  const backup: StartPublishing = { ...start, sessionId: 'b-1', endpoint: 'backup', node: 'node-2' };
  const joinedAs = (sessionId: string, epoch: number, endpoint: 'primary' | 'backup' = 'backup', node = 'node-2'): StreamDraft => {
    const { remoteAddress, relayUrl } = start;
    return publisherJoined.draft({ streamId, sessionId, epoch, endpoint, remoteAddress, node, relayUrl });
  };
  const joined = joinedAs('b-1', 1);
  const left = (sessionId: string, endpoint: 'primary' | 'backup', reason: 'connection-closed' | 'ingest-lost', detail = ''): StreamDraft =>
    publisherLeft.draft({ streamId, sessionId, endpoint, reason, detail });
  const wish: SwitchPublisher = { type: 'SwitchPublisher', streamId, to: 'backup', reason: 'an update' };
  const both = [created, started, joined];

  test.each<[string, StreamDraft[], StreamCommand, StreamDraft[]]>([
    ['the second joins the first, under an epoch of its own endpoint', [created, started], backup, [joined]],
    ['the same again is a retry', both, backup, []],
    ['the first of them goes', both, interrupt, [left('s-1', 'primary', 'connection-closed')]],
    ['the second goes', both, { ...interrupt, sessionId: 'b-1' }, [left('b-1', 'backup', 'connection-closed')]],
    [
      'both go: the stream is interrupted',
      [...both, left('s-1', 'primary', 'connection-closed')],
      { ...interrupt, sessionId: 'b-1' },
      [streamInterrupted.draft({ streamId, sessionId: 'b-1', reason: 'connection-closed', detail: '' })],
    ],
    [
      'the first comes back beside the second',
      [...both, left('s-1', 'primary', 'connection-closed')],
      { ...start, sessionId: 's-2', epoch: 2 },
      [joinedAs('s-2', 2, 'primary', 'node-1')],
    ],
    [
      'the lease of one was taken anew: it is lost, and the stream goes on',
      both,
      { ...start, sessionId: 's-2', epoch: 2 },
      [left('s-1', 'primary', 'ingest-lost', 'Its ingest lost the lease.'), joinedAs('s-2', 2, 'primary', 'node-1')],
    ],
    [
      'the backup alone starts the stream',
      [created],
      backup,
      [streamStarted.draft({ streamId, sessionId: 'b-1', epoch: 1, endpoint: 'backup', ...from('node-2') })],
    ],
    ['somebody asks for the other', both, wish, [failoverRequested.draft({ streamId, to: 'backup', reason: 'an update' })]],
    ['stop', both, stop, [stopped]],
  ])('%s', (_name, history, command, events) => {
    expect(given(...history).when(command)).toEqual({ refused: false, events });
    expectValid(events);
  });

  test.each<[string, StreamDraft[], StreamCommand, string]>([
    ['a third', both, { ...backup, sessionId: 'b-2' }, 'already-publishing'],
    ['an old epoch after the endpoint was left', [...both, left('b-1', 'backup', 'connection-closed')], { ...backup, sessionId: 'b-2' }, 'busy'],
    ['going over to nobody', [created, started], wish, 'no-publisher'],
    ['going over in no stream', [], wish, 'unknown-stream'],
    ['going over in a stopped stream', [...both, stopped], wish, 'stream-stopped'],
  ])('%s is refused', (_name, history, command, code) => {
    expect(given(...history).when(command)).toMatchObject({ refused: true, code });
  });

  test('both are remembered, and what was asked for; whoever is left stands where heads are found by it', () => {
    const { state } = given(...both, failoverRequested.draft({ streamId, to: 'backup', reason: '' }));
    expect(state).toMatchObject({ status: 'live', sessionId: 's-1', other: { sessionId: 'b-1' }, epochs: { primary: 1, backup: 1 }, preferred: 'backup' });
    const alone = given(...both, left('s-1', 'primary', 'connection-closed')).state;
    expect(alone).toMatchObject({ status: 'live', sessionId: 'b-1', epochs: { primary: 1, backup: 1 } });
    expect(alone).not.toHaveProperty('other');
  });

  test('a head from before there were two counts for the primary, whose lease it was', () => {
    const { epochs: _none, ...before } = given(created, startedAs('s-1', 7)).state as Extract<StreamState, { status: 'live' }>;
    expect(streamDecider.decide({ ...start, sessionId: 's-2', epoch: 7 }, before)).toMatchObject({ refused: true });
    expect(streamDecider.decide(backup, before)).toMatchObject({ refused: false });
  });
});

describe('keys', () => {
  const issue: IssueKey = { type: 'IssueKey', streamId, keyHash: 'c'.repeat(64), expiresAtMs: 0, singleUse: false, previousUntilMs: 0, nowMs: 10_000 };
  const issued = (over: Partial<IssueKey> = {}): StreamDraft => {
    const { keyHash: hash, expiresAtMs, singleUse, previousUntilMs } = { ...issue, ...over };
    return streamKeyIssued.draft({ streamId, keyHash: hash, expiresAtMs, singleUse, previousUntilMs });
  };
  const used = streamKeyUsed.draft({ streamId, keyHash: issue.keyHash });
  const withNew = { ...start, secretHash: issue.keyHash };
  const seven = (): StreamDraft[] => Array.from({ length: 7 }, (_, n) => issued({ keyHash: `${n}`.repeat(64) }));

  test.each<[string, StreamDraft[], StreamCommand, StreamDraft[]]>([
    ['another one is issued', [created], issue, [issued()]],
    ['the same again is a retry', [created, issued()], issue, []],
    ['both work', [created, issued()], withNew, [started]],
    ['the first goes on', [created, issued()], start, [started]],
    ['the one before works until its time', [created, issued({ previousUntilMs: 10_001 })], start, [started]],
    ['one that expires works until then', [created, issued({ expiresAtMs: 10_001 })], withNew, [started]],
    ['one for one publisher is used up by it', [created, issued({ singleUse: true })], withNew, [started, used]],
    ['and the retry of that command is none', [created, issued({ singleUse: true }), started, used], withNew, []],
    [
      'one that was used makes room, and the first goes on',
      [created, issued({ singleUse: true }), used, ...seven().slice(1), issued({ keyHash: 'e'.repeat(64) })],
      start,
      [started],
    ],
    ['one that expired as well', [created, issued({ expiresAtMs: 9_000 }), ...seven().slice(1), issued({ keyHash: 'e'.repeat(64) })], start, [started]],
    ['a ninth in their place', [created, ...seven()], { ...issue, previousUntilMs: 99_000 }, [issued({ previousUntilMs: 99_000 })]],
    [
      'a stream that was taken over as well',
      [created, started, issued({ singleUse: true })],
      { ...withNew, sessionId: 's-2', epoch: 2 },
      [streamInterrupted.draft({ streamId, sessionId: 's-1', reason: 'ingest-lost', detail: 'Its ingest lost the lease.' }), startedAs('s-2', 2), used],
    ],
  ])('%s', (_name, history, command, events) => {
    expect(given(...history).when(command)).toEqual({ refused: false, events });
    expectValid(events);
  });

  test.each<[string, StreamDraft[], StreamCommand, string]>([
    ['an expired one', [created, issued({ expiresAtMs: 10_000 })], withNew, 'key-expired'],
    ['one that was replaced', [created, issued({ previousUntilMs: 10_000 })], start, 'key-expired'],
    ['one that was used', [created, issued({ singleUse: true }), started, used, interrupted], { ...withNew, sessionId: 's-2', epoch: 2 }, 'key-expired'],
    ['one that nobody issued', [created, issued()], { ...start, secretHash: 'd'.repeat(64) }, 'bad-key'],
    ['a ninth beside eight that work', [created, ...seven()], issue, 'keys-full'],
    ['the one that ends first, where a ninth replaces eight', [created, ...seven(), issued({ previousUntilMs: 99_000 })], start, 'bad-key'],
    ['one for no stream', [], issue, 'unknown-stream'],
    ['one for a stopped stream', [created, stopped], issue, 'stream-stopped'],
  ])('%s is refused', (_name, history, command, code) => {
    expect(given(...history).when(command)).toMatchObject({ refused: true, code });
  });

  test('a key that expires sooner stays so when it is replaced later, and keys outlive sessions', () => {
    const { state } = given(created, issued({ expiresAtMs: 5_000 }), issued({ keyHash: 'e'.repeat(64), previousUntilMs: 9_000 }), started, interrupted);
    expect(state).toMatchObject({ status: 'interrupted', keys: [{ untilMs: 9_000 }, { untilMs: 5_000 }, { untilMs: 0 }] });
  });
});

describe('what is refused', () => {
  const rejected = (
    reason: 'bad-key' | 'unknown-stream' | 'already-publishing' | 'stream-stopped' | 'busy',
    detail = expect.any(String) as unknown as string,
  ): StreamDraft => streamPublishRejected.draft({ streamId, reason, detail, remoteAddress: start.remoteAddress, node: start.node });

  test.each<[string, StreamDraft[], StreamCommand, string, StreamDraft[]]>([
    ['creating it twice', [created], create, 'stream-exists', []],
    ['a name of blanks', [], { ...create, name: ' ' }, 'invalid-setting', []],
    ['an impossible ladder', [], { ...create, ladder: [] }, 'invalid-setting', []],
    ['publishing to nothing', [], start, 'unknown-stream', [rejected('unknown-stream')]],
    ['a wrong key', [created], { ...start, secretHash: 'b'.repeat(64) }, 'bad-key', [rejected('bad-key')]],
    ['a wrong key to a stopped stream: no hint that it stopped', [created, stopped], { ...start, secretHash: '' }, 'bad-key', [rejected('bad-key')]],
    ['publishing to a stopped stream', [created, stopped], start, 'stream-stopped', [rejected('stream-stopped')]],
    ['a second publisher', [created, started], { ...start, sessionId: 's-2' }, 'already-publishing', [rejected('already-publishing')]],
    [
      'a second publisher without the lease',
      [created, started],
      { ...start, sessionId: 's-2', epoch: 0 },
      'already-publishing',
      [rejected('already-publishing')],
    ],
    ['an old epoch during the grace period', [created, started, interrupted], { ...start, sessionId: 's-2' }, 'busy', [rejected('busy')]],
    ['starting without a lease', [created], { ...start, epoch: 0 }, 'busy', [rejected('busy')]],
    ['interrupting nothing', [], interrupt, 'unknown-stream', []],
    ['stopping nothing', [], stop, 'unknown-stream', []],
    [
      'ending the grace period of a publisher that is back',
      [created, started, interrupted, startedAs('s-2', 2)],
      { ...stop, reason: 'publisher-gone', sessionId: 's-1' },
      'not-interrupted',
      [],
    ],
    [
      'ending the grace period of an earlier interruption',
      [created, started, interrupted, startedAs('s-2', 2), streamInterrupted.draft({ streamId, sessionId: 's-2', reason: 'stalled', detail: '' })],
      { ...stop, reason: 'publisher-gone', sessionId: 's-1' },
      'not-interrupted',
      [],
    ],
    [
      'what the ingest refused by itself, for the record',
      [created],
      { type: 'RejectPublish', streamId, reason: 'bad-key', detail: 'x', remoteAddress: start.remoteAddress, node: start.node },
      'bad-key',
      [rejected('bad-key', 'x')],
    ],
  ])('%s', (_what, history, command, code, events) => {
    expect(given(...history).when(command)).toEqual({ refused: true, code, message: expect.any(String), events });
  });
});

describe('what is remembered', () => {
  test('a live stream knows its session at the top, where heads are found by it', () => {
    expect(given(created, started).state).toEqual(
      expect.objectContaining({ status: 'live', sessionId: 's-1', epoch: 1, node: 'node-1', name: 'Evening news', keyHash }),
    );
  });

  test('an interrupted stream remembers who held it, and why it does not', () => {
    expect(given(created, started, interrupted).state).toEqual(
      expect.objectContaining({ status: 'interrupted', sessionId: 's-1', epoch: 1, reason: 'connection-closed' }),
    );
  });

  test('a stopped stream forgets its session and keeps its settings', () => {
    const { state } = given(created, started, stopped);
    expect(state).toEqual(expect.objectContaining({ status: 'stopped', reason: 'operator', ladder: defaultLadder }));
    expect(state).not.toHaveProperty('sessionId');
  });

  test('facts of others and of refusals change nothing', () => {
    const { state } = given(created, started);
    const encoding = encodingStarted.draft({ ...(encodingStarted.samples[0] as object), streamId } as never);
    const rejection = streamPublishRejected.draft({ streamId, reason: 'bad-key', detail: '', remoteAddress: '', node: 'node-1' });
    for (const event of [encoding, rejection]) expect(streamDecider.evolve(state, event)).toEqual(state);
    expect(streamDecider.evolve(streamDecider.initialState, started)).toEqual({ status: 'absent' });
  });

  test('the state is plain JSON', () => {
    const { state } = given(created, started, interrupted);
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  });
});
