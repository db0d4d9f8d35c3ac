import { describe, expect, test } from '@jest/globals';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyPack, timestampDate } from '@bufbuild/protobuf/wkt';
import { Metadata, status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from '../../apps/gateway/grpc/generated/google/rpc/error_details_pb.ts';
import { StatusSchema } from '../../apps/gateway/grpc/generated/google/rpc/status_pb.ts';
import {
  PublishRequestSchema,
  PublishResponseSchema,
  SubscribeRequestSchema,
  SubscribeResponseSchema,
} from '../../apps/gateway/grpc/generated/streams/v1/event_service_pb.ts';
import type { OutgoingEvent } from '#sdk';
import { decodePublishResponse, decodeSubscribeResponse, encodePublishRequest, encodeSubscribeRequest, grpcFailure } from '#sdk/grpc/codec';

const outgoing: OutgoingEvent = {
  id: 'a',
  type: 'content.withdrawn',
  source: '/cms',
  time: 1_700_000_000_123,
  isTimeStated: true,
  dataschema: 'urn:streams:event:content.withdrawn:1',
  context: 'content',
  key: 'k',
  subject: 'k',
  correlationId: undefined,
  causationId: 'cause',
  traceparent: undefined,
  data: '{"contentId":"k"}',
  bytes: 1,
};

describe('what the SDK writes by hand is what the generated code reads', () => {
  test('PublishRequest, whatever the texts and lengths', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.constant('x'.repeat(20_000)), fc.constant('ü'.repeat(130)));
    fc.assert(
      fc.property(
        fc.array(fc.record({ id: text, source: text, data: text, correlationId: text, time: fc.integer({ min: 0, max: 4e12 }) }), { maxLength: 4 }),
        (changes) => {
          const events = changes.map((change) => ({ ...outgoing, ...change }));
          const read = fromBinary(PublishRequestSchema, encodePublishRequest(events));
          expect(read.independent).toBe(true);
          expect(read.events.map(({ id, source, type, specVersion, data }) => [id, source, type, specVersion, data.value])).toEqual(
            events.map(({ id, source, type, data }) => [id, source, type, '1.0', data]),
          );
          for (const [at, { attributes }] of read.events.entries()) {
            expect(attributes['dataschema']?.attr).toEqual({ case: 'ceUri', value: outgoing.dataschema });
            expect(attributes['correlationid']?.attr.value ?? '').toBe(events[at]?.correlationId);
            const time = attributes['time']?.attr;
            expect(time?.case === 'ceTimestamp' && timestampDate(time.value).getTime()).toBe(events[at]?.time);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test.each([
    [{ at: 'beginning' } as const, { case: 'at', value: 3 }],
    [{ token: 't' }, { case: 'token', value: 't' }],
    [{ time: 1_500 }, { case: 'time', value: expect.objectContaining({ seconds: 1n, nanos: 500_000_000 }) }],
  ])('SubscribeRequest from %j', (start, expected) => {
    const filter = { contexts: ['content'], types: ['a', 'b'], subject: 's', subjectPrefix: 'p', key: 'k', tenant: 'acme' };
    const read = fromBinary(SubscribeRequestSchema, encodeSubscribeRequest({ filter, start }));
    expect(read.filter).toMatchObject(filter);
    expect(read.start).toEqual(expected);
  });
});

describe('what the generated code writes is what the SDK reads', () => {
  test('PublishResponse', () => {
    const accepted = { context: 'content', partition: 11, offset: 9_007_199_254_740_991n, duplicate: true };
    const rejected = { code: 'EVENT_TIME_INVALID', field: 'time', message: 'zu früh', retryable: true };
    const outcomes = [
      { id: 'a', outcome: { case: 'accepted', value: accepted } as const },
      { id: 'b', outcome: { case: 'rejected', value: rejected } as const },
      { id: 'c', outcome: { case: 'accepted', value: {} } as const },
    ];
    const bytes = Buffer.from(toBinary(PublishResponseSchema, create(PublishResponseSchema, { outcomes })));
    const events = ['a', 'b', 'c'].map((id) => ({ ...outgoing, id }));
    expect(decodePublishResponse(bytes, events)).toEqual([
      { accepted: true, id: 'a', topic: 'content', partition: 11, offset: 9_007_199_254_740_991n, duplicate: true },
      { accepted: false, id: 'b', ...rejected },
      { accepted: true, id: 'c', topic: '', partition: 0, offset: 0n, duplicate: false },
    ]);
    expect(() => decodePublishResponse(bytes, events.slice(1))).toThrow('every event');
  });

  test('SubscribeResponse', () => {
    const attributes = {
      time: { attr: { case: 'ceTimestamp', value: { seconds: 1_700_000_000n, nanos: 123_000_000 } } },
      partition: { attr: { case: 'ceInteger', value: 0 } },
      offset: { attr: { case: 'ceString', value: '7' } },
      flag: { attr: { case: 'ceBoolean', value: true } },
    } as const;
    const events = [{ id: 'a', type: 't', source: '/s', specVersion: '1.0', attributes, data: { case: 'textData', value: '{"a":"ü"}' } as const }];
    const bytes = Buffer.from(toBinary(SubscribeResponseSchema, create(SubscribeResponseSchema, { events, token: 'token', live: true })));
    expect(decodeSubscribeResponse(bytes)).toEqual({
      token: 'token',
      events: [
        { id: 'a', type: 't', source: '/s', specversion: '1.0', time: '2023-11-14T22:13:20.123Z', partition: 0, offset: '7', flag: true, data: { a: 'ü' } },
      ],
    });
    for (let end = 1; end < bytes.length; end++) {
      try {
        decodeSubscribeResponse(bytes.subarray(0, end));
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }
  });

  test.each([
    [status.RESOURCE_EXHAUSTED, 'RATE_LIMITED', true],
    [status.UNAVAILABLE, 'UNAVAILABLE', true],
    [status.ABORTED, 'UNAVAILABLE', true],
    [status.INVALID_ARGUMENT, 'INVALID', false],
    [status.OUT_OF_RANGE, 'TOKEN_TRUNCATED', false],
  ])('a status %i with its details is %s', (code, expected, retryable) => {
    const details = [
      anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason: 'WHY', domain: 'streams' })),
      anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay: { seconds: 2n, nanos: 500_000_000 } })),
      anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations: [{ field: 'filter.types', description: 'no' }] })),
    ];
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from(toBinary(StatusSchema, create(StatusSchema, { code, details }))));
    const error = grpcFailure(Object.assign(new Error('x'), { code, details: 'said', metadata }));
    expect(error).toMatchObject({ message: 'said', code: expected, retryable, fields: [{ field: 'filter.types', message: 'no' }] });
    if (retryable) expect(error.retryAfterMs).toBe(2500);
  });
});
