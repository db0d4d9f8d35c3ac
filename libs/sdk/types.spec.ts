import { expect, test } from '@jest/globals';
import { catalogue } from '../events/index.ts';
import { toKafkaMessage } from './kafka/index.ts';
import { connect, type OpenType, type Received, type Streams } from './index.ts';
import { ScriptedTransport } from './testing/scripted-transport.ts';

/** Compiled, and never run: what must not compile is expected not to. */
async function compiled(streams: Streams): Promise<void> {
  const url = 'https://origin.example/1';
  await streams.publish('content.published', { contentId: 'a', url, contentType: 'video/mp4' });
  // @ts-expect-error -- a field is missing
  await streams.publish('content.published', { contentId: 'a', url });
  // @ts-expect-error -- a field has another type
  await streams.publish('content.published', { contentId: 'a', url, contentType: 'video/mp4', sizeBytes: '1' });
  // @ts-expect-error -- there is no such field
  await streams.publish('content.withdrawn', { contentId: 'a', colour: 'red' });
  // @ts-expect-error -- there is no such event
  await streams.publish('content.lost', { contentId: 'a' });
  // @ts-expect-error -- only the platform says this
  await streams.publish('stream.interrupted', { streamId: 'a' });
  // @ts-expect-error -- the data of another event
  await streams.publishAll([{ type: 'content.published', data: { contentId: 'a', reason: 'rights ended' } }]);
  const publisher = streams.publisher();
  // @ts-expect-error -- the data of another event
  await publisher.add('content.withdrawn', { sessionId: 'a' });
  // @ts-expect-error -- the data of another event
  toKafkaMessage('playback.ended', { contentId: 'a' });
  for await (const event of streams.subscribe({ types: ['content.withdrawn', 'playback.ended'] })) {
    if (event.type === 'playback.ended') {
      const reason: 'finished' | 'left' | 'failed' = event.data.reason;
      void reason;
    } else {
      const contentId: string = event.data.contentId;
      // @ts-expect-error -- a withdrawal has no URL
      void event.data.url;
      void contentId;
    }
    // @ts-expect-error -- it was not asked for
    void (event.type === 'content.published');
  }
  // @ts-expect-error -- there is no such event
  streams.subscribe({ types: ['content.lost'] });
  for await (const event of streams.subscribe()) if (event.type === 'stream.created') void (event satisfies Received<'stream.created'>).data.streamId;
}

test('the types are those of the catalogue', () => {
  const open: Record<OpenType, true> = {
    'content.published': true,
    'content.changed': true,
    'content.withdrawn': true,
    'playback.started': true,
    'playback.reported': true,
    'playback.ended': true,
  };
  expect(Object.keys(open)).toEqual(catalogue.filter(({ publishers }) => publishers === 'anyone').map(({ type }) => type));
  expect(typeof compiled).toBe('function');
  expect(connect({ transport: new ScriptedTransport() })).toBeDefined();
});
