import { describe, expect, test } from '@jest/globals';
import {
  encodingEnded,
  encodingStarted,
  failoverRequested,
  failoverSwitched,
  publisherJoined,
  publisherLeft,
  segmentProduced,
  streamCreated,
  streamInterrupted,
  streamPublishRejected,
  streamStarted,
  streamStopped,
  type DomainEvent,
} from '#events';
import { activeSession, causeOf, StreamFold } from './stream-fold.core.ts';

const created = streamCreated.samples[0] as ReturnType<typeof streamCreated.schema.parse>;
const started = streamStarted.samples[0] as ReturnType<typeof streamStarted.schema.parse>;
const encoding = encodingStarted.samples[0] as ReturnType<typeof encodingStarted.schema.parse>;
const segment = segmentProduced.samples[0] as ReturnType<typeof segmentProduced.schema.parse>;
const { streamId } = created;
const time = 1_790_000_000_000;

const event = (type: string, data: unknown): DomainEvent => ({ id: `e-${type}`, type, data, time, tenant: 'acme' }) as DomainEvent;
const produced = (change: Partial<typeof segment>): DomainEvent => event(segmentProduced.type, { ...segment, ...change });

function fold(...events: readonly DomainEvent[]): StreamFold {
  const made = new StreamFold();
  for (const one of events) made.apply(one);
  return made;
}

const live = [event(streamCreated.type, created), event(streamStarted.type, started)];
const encoded = [...live, event(encodingStarted.type, { ...encoding, epoch: 3 })];

describe('sessions', () => {
  test('a created stream has a ladder and nobody who publishes', () => {
    const state = fold(live[0] as DomainEvent).get(streamId);
    expect(state).toMatchObject({ rungs: created.ladder, audioBitrate: created.audioBitrate, segmentDurationMs: created.segmentDurationMs });
    expect(state?.sessions).toEqual([]);
    expect(activeSession(state)).toBeUndefined();
  });

  test('a session starts and ends; the end of another session changes nothing', () => {
    const made = fold(...live);
    const { sessionId, relayUrl } = started;
    const session = { sessionId, endpoint: 'primary' as const, relayUrl, startedAtMs: time, tenant: 'acme', startedId: 'e-stream.started' };
    expect(causeOf(session)).toEqual({ correlationId: started.sessionId, causationId: 'e-stream.started' });
    expect(causeOf(session, fold(...encoded).get(streamId)?.encodingId)).toEqual({ correlationId: started.sessionId, causationId: 'e-encoding.started' });
    expect(activeSession(made.get(streamId))).toEqual(session);
    made.apply(event(streamInterrupted.type, { streamId, sessionId: 'other', reason: 'stalled', detail: '' }));
    expect(activeSession(made.get(streamId))).toEqual(session);
    made.apply(event(streamInterrupted.type, { streamId, sessionId: started.sessionId, reason: 'stalled', detail: '' }));
    expect(activeSession(made.get(streamId))).toBeUndefined();
    expect(made.get(streamId)).toMatchObject({ sessions: [], lastEnd: { reason: 'stalled' } });
  });

  test('a stopped stream is forgotten, and late facts about it change nothing', () => {
    const made = fold(...encoded, event(streamStopped.type, { streamId, reason: 'operator', detail: '' }), produced({ epoch: 3 }));
    expect(made.states()).toEqual([]);
  });

  test('it says which stream an event changed', () => {
    expect(fold(...live).apply(produced({}))).toBe(streamId);
    expect(fold().apply(produced({}))).toBeUndefined();
    expect(fold(...live).apply(event(streamPublishRejected.type, streamPublishRejected.samples[0]))).toBeUndefined();
  });
});

describe('encoders', () => {
  const starts = (id: string): DomainEvent =>
    ({ ...event(encodingStarted.type, { ...encoding, epoch: 4, liveEdgeUrl: 'http://media/live-edge/st' }), id }) as DomainEvent;

  test('one that follows another that never said that it ended is known to', () => {
    const made = fold(...encoded, starts('e-1'));
    made.apply(starts('e-1'));
    expect(made.get(streamId)).toMatchObject({ encodingId: 'e-1', encodingRuns: true });
    made.apply(event(encodingEnded.type, { ...(encodingEnded.samples[0] as object), streamId, epoch: 4 }));
    made.apply(starts('e-2'));
    expect(made.get(streamId)?.unsettled).toBe(3);
    made.apply(starts('e-3'));
    expect(made.get(streamId)?.unsettled).toBe(4);
    made.apply(produced({ epoch: 4 }));
    expect(made.get(streamId)?.unsettled).toBe(1);
    made.apply(event(encodingEnded.type, { ...(encodingEnded.samples[0] as object), streamId, epoch: 4, exitCode: 0 }));
    expect(made.get(streamId)?.unsettled).toBe(0);
  });
});

describe('the time zero of a session', () => {
  const starts = (startedAtMs: number | undefined, { epoch = 3, sessionId = started.sessionId } = {}): DomainEvent =>
    ({ ...event(encodingStarted.type, { ...encoding, epoch, sessionId, startedAtMs }), id: `e-${epoch}-${startedAtMs}` }) as DomainEvent;
  const zero = (...events: readonly DomainEvent[]): number | undefined => activeSession(fold(...live, ...events).get(streamId))?.startedAtMs;

  test.each<[string, number | undefined, number]>([
    ['is when its first frame came, as its first packager says', zero(starts(time + 8000)), time + 8000],
    [
      'is that of the event that began it, where a packager of before went by that; later ones go on with it',
      zero(starts(undefined), starts(time + 8000)),
      time,
    ],
    [
      'does not move with later packagers, nor when its beginning is read again',
      zero(starts(time + 8000), live[1] as DomainEvent, starts(time + 9000, { epoch: 4 })),
      time + 8000,
    ],
    ['is nothing that a packager says that has lost the stream', zero(starts(time + 8000, { epoch: 4 }), starts(time)), time + 8000],
    ['is nothing that a packager says of another session', zero(starts(time + 8000, { sessionId: 'other' })), time],
  ])('%s', (_what, told, expected) => expect(told).toBe(expected));
});

describe('two publishers', () => {
  const joined = event(publisherJoined.type, { ...(publisherJoined.samples[0] as object), sessionId: 'b', endpoint: 'backup' });
  const left = (sessionId: string): DomainEvent => event(publisherLeft.type, { streamId, sessionId, endpoint: 'primary', reason: 'ingest-lost', detail: '' });
  const switched = (fromSessionId: string, toSessionId: string, epoch = 3): DomainEvent =>
    event(failoverSwitched.type, { ...(failoverSwitched.samples[0] as object), fromSessionId, toSessionId, epoch, startedAtMs: 4711 });
  const primary = started.sessionId;

  test('the second is kept beside the first, which stays in use until the packager goes over', () => {
    const made = fold(...encoded, joined);
    expect(made.get(streamId)?.sessions.map(({ sessionId }) => sessionId)).toEqual([primary, 'b']);
    expect(activeSession(made.get(streamId))?.sessionId).toBe(primary);
    made.apply(left(primary));
    expect(made.get(streamId)).toMatchObject({ active: { sessionId: primary }, lastEnd: { sessionId: primary, reason: 'ingest-lost' } });
    expect(activeSession(made.get(streamId))).toBeUndefined();
    made.apply(switched(primary, 'b'));
    expect(activeSession(made.get(streamId))).toMatchObject({ sessionId: 'b', startedAtMs: 4711 });
    expect(made.get(streamId)?.active?.continues).toEqual([primary]);
  });

  test('who takes over continues those before the one before as well, and what a packager of the past says, or says too late, decides nothing', () => {
    const made = fold(
      ...encoded,
      joined,
      switched(primary, 'b'),
      switched('b', primary),
      switched(primary, 'b', 2),
      switched('b', primary),
      switched(primary, 'x'),
    );
    expect(made.get(streamId)?.active).toEqual({ sessionId: primary, continues: ['b', primary] });
  });

  test('a stream that starts anew continues nobody', () => {
    const made = fold(...encoded, joined, switched(primary, 'b'), event(streamStarted.type, { ...started, sessionId: 'c' }));
    expect(made.get(streamId)).toMatchObject({ active: { sessionId: 'c', continues: [] }, sessions: [{ sessionId: 'c' }] });
  });

  test('the one that somebody asked for last is known', () => {
    const request = event(failoverRequested.type, { streamId, to: 'backup', reason: 'update' });
    expect(fold(...encoded, request).get(streamId)?.request).toEqual({ id: request.id, to: 'backup' });
  });
});

describe('segments', () => {
  test('the newest number of each rendition is kept', () => {
    const made = fold(
      ...encoded,
      produced({ epoch: 3, mediaSequence: 4 }),
      produced({ epoch: 3, mediaSequence: 5, startUs: 10e6 }),
      produced({ epoch: 3, mediaSequence: 5, rendition: 'audio', startUs: 10.01e6 }),
    );
    expect(made.get(streamId)?.last).toEqual({
      mediaSequence: 5,
      sessionId: segment.sessionId,
      renditions: {
        '720p': { startUs: 10e6, endUs: 12e6, programDateTimeMs: segment.programDateTimeMs, initCid: segment.initCid },
        audio: { startUs: 10.01e6, endUs: 12.01e6, programDateTimeMs: segment.programDateTimeMs, initCid: segment.initCid },
      },
    });
  });

  test('are in the period that manifests have: one that began with another initialisation, or where nobody counts to', () => {
    const made = fold(...encoded);
    const [first, ...others] = ['720p', 'audio', '240p'];
    const period = (mediaSequence: number, startUs: number, discontinuity: boolean, inits: Readonly<Record<string, string>> = {}): number | undefined => {
      for (const rendition of [first, ...others] as string[]) {
        const place = { mediaSequence, startUs: startUs + (rendition === first ? 0 : 20_000), durationUs: 2e6, discontinuity };
        made.apply(produced({ epoch: 3, rendition, ...place, initCid: inits[rendition] ?? `${segment.initCid} of ${rendition}` }));
      }
      return made.get(streamId)?.periodUs;
    };
    expect(period(0, 0, false)).toBe(0);
    expect(period(1, 2e6, false)).toBe(0);
    expect(period(2, 6e6, true)).toBe(0);
    expect(period(3, 8.4e6, true)).toBe(8.4e6);
    expect(period(4, 10.4e6, false)).toBe(8.4e6);
    expect(period(5, 14e6, true)).toBe(8.4e6);
    // Whichever rendition it is.
    expect(period(6, 18e6, true, { audio: 'other' })).toBe(18e6);
    expect(period(7, 20e6, true, { audio: 'other', '720p': 'other' })).toBe(20e6);
  });

  test('facts of an older epoch and of an older number are ignored', () => {
    const made = fold(...encoded, produced({ epoch: 3, mediaSequence: 7 }));
    const before = made.get(streamId);
    made.apply(produced({ epoch: 2, mediaSequence: 8 }));
    made.apply(produced({ epoch: 3, mediaSequence: 6 }));
    made.apply(event(encodingStarted.type, { ...encoding, epoch: 2, renditions: [{ ...encoding.renditions[0], name: 'other' }] }));
    expect(made.get(streamId)).toEqual(before);
  });

  test('the renditions of the first segments stay established', () => {
    const made = fold(...encoded);
    expect(made.get(streamId)?.establishedVideo).toEqual([]);
    made.apply(produced({ epoch: 3 }));
    made.apply(event(encodingStarted.type, { ...encoding, epoch: 4, renditions: [{ ...encoding.renditions[0], name: '240p' }] }));
    made.apply(produced({ epoch: 4, mediaSequence: 1, rendition: '240p' }));
    expect(made.get(streamId)?.establishedVideo).toEqual(['720p']);
  });

  test('tracks of a publisher that come later are known to players from their first segment on; what is encoded later is not', () => {
    const made = fold(...encoded, produced({ epoch: 3 }));
    const video = { ...encoding.renditions[0], name: '360p' };
    const again = (epoch: number, encoder: string): void => {
      made.apply({
        ...event(encodingStarted.type, { ...encoding, epoch, encoder, renditions: [...encoding.renditions, video] }),
        id: `e-${epoch}`,
      } as DomainEvent);
      made.apply(produced({ epoch, mediaSequence: 100 + epoch }));
    };
    again(4, 'libx264');
    const before = made.get(streamId)?.establishedVideo ?? [];
    expect(before).not.toContain('360p');
    again(5, 'none');
    expect(made.get(streamId)?.establishedVideo).toEqual([...before, '360p']);
  });

  test('repeating the whole log changes nothing; a restored fold goes on as the first would', () => {
    const events = [...encoded, produced({ epoch: 3, mediaSequence: 4 }), produced({ epoch: 3, mediaSequence: 5 })];
    const once = fold(...events);
    const restored = StreamFold.restore(JSON.parse(JSON.stringify(once.states())));
    for (const one of events.slice(1)) restored.apply(one);
    expect(restored.states()).toEqual(once.states());
  });
});
