import { z } from 'zod';
import { peerSubject } from './data-subjects.ts';
import { defineEvent } from './define.ts';
import { epoch, id, millis, text } from './fields.ts';
import { personal } from './personal.ts';
import { endpoints, interruptReasons } from './stream.events.ts';

const endpoint = z.enum(endpoints);

const sampleStream = 'st-7f3k2m9q';
const samplePrimary = '01926f4e-7d3a-7000-8000-000000000001';
const sampleBackup = '01926f4e-7d3a-7000-8000-000000000002';
/** An address as the log has it. */
const sampleSealed = 'sealed:v1:k7Qm2Zx0Rt4Yb8Nc1Vd5Ww:q3T9x0LmZ2A:hV0mQz7rXb2k9Lw4Tn1cYp6sDf3gJ8aE5uRi0oHvBxKyMqNtWz2e';

export const publisherJoined = defineEvent({
  type: 'publisher.joined',
  version: 1,
  context: 'stream',
  meaning: 'A publisher was admitted beside the one that is live already: it is kept warm, so that it can take over.',
  schema: z.object({
    streamId: id,
    sessionId: id,
    /** Of the lease of its endpoint. */
    epoch,
    endpoint,
    remoteAddress: personal(text),
    node: id,
    relayUrl: z.string().max(512),
  }),
  key: (data) => data.streamId,
  dataSubject: (data) => peerSubject(data.remoteAddress),
  samples: [
    {
      streamId: sampleStream,
      sessionId: sampleBackup,
      epoch: 1,
      endpoint: 'backup',
      remoteAddress: sampleSealed,
      node: 'ingest-2',
      relayUrl: `http://127.0.0.1:8082/relay/${sampleStream}`,
    },
  ],
});

export const publisherLeft = defineEvent({
  type: 'publisher.left',
  version: 2,
  context: 'stream',
  meaning: 'One of two publishers went away; the stream goes on with the other.',
  schema: z.object({ streamId: id, sessionId: id, endpoint, reason: z.enum(interruptReasons), detail: text }),
  key: (data) => data.streamId,
  // Version 2 knows of publishers that were let in and then sent what nobody here can carry.
  upcasters: [(data) => data],
  samples: [
    { streamId: sampleStream, sessionId: samplePrimary, endpoint: 'primary', reason: 'connection-closed', detail: '' },
    { streamId: sampleStream, sessionId: samplePrimary, endpoint: 'primary', reason: 'unsupported-codec', detail: 'The audio codec adpcm is not supported.' },
  ],
});

export const failoverRequested = defineEvent({
  type: 'failover.requested',
  version: 1,
  context: 'stream',
  meaning: 'Somebody asked for the other publisher: it is preferred from now on, and switched to as soon as it can be.',
  schema: z.object({ streamId: id, to: endpoint, reason: text }),
  key: (data) => data.streamId,
  samples: [{ streamId: sampleStream, to: 'backup', reason: 'the primary encoder gets an update' }],
});

export const failoverSwitched = defineEvent({
  type: 'failover.switched',
  version: 1,
  context: 'stream',
  meaning: 'A packager went over to the other publisher of a stream, and why.',
  schema: z.object({
    streamId: id,
    /** Fencing epoch of the packager's lease. */
    epoch,
    node: id,
    fromSessionId: id,
    from: endpoint,
    toSessionId: id,
    to: endpoint,
    /**
     * `media-silence`: nothing came of the one before; `closed`: it left; `lease-lost`: its ingest lost the right to it;
     * `unreachable`: its relay cannot be read; `recovered`: the preferred one is well again; `requested`: somebody asked.
     */
    reason: z.enum(['media-silence', 'closed', 'lease-lost', 'unreachable', 'recovered', 'requested']),
    /** How long nothing had come of the one before, ms. */
    silentMs: millis,
    /** Wall clock of the new session's time zero as it is told from now on, so that the stream's time goes on without a jump. */
    startedAtMs: millis,
  }),
  key: (data) => data.streamId,
  subject: (data) => `${data.streamId}/failover`,
  samples: [
    {
      streamId: sampleStream,
      epoch: 4,
      node: 'media-1',
      fromSessionId: samplePrimary,
      from: 'primary',
      toSessionId: sampleBackup,
      to: 'backup',
      reason: 'media-silence',
      silentMs: 2_010,
      startedAtMs: 1_790_000_000_000,
    },
  ],
});

export type FailoverEventDefinition = typeof publisherJoined | typeof publisherLeft | typeof failoverRequested | typeof failoverSwitched;
