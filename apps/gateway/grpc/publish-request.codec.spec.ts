import { describe, expect, test } from '@jest/globals';
import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { PublishRequestSchema } from './generated/streams/v1/event_service_pb.ts';
import { incomingEvent } from '../testing/incoming-event.codec.ts';
import { readIncoming } from './publish-request.codec.ts';

const text = fc.string({ unit: 'binary', maxLength: 40 }).map((each) => each.toWellFormed());
const attr = fc.oneof(
  text.map((value) => ({ case: 'ceString', value }) as const),
  text.map((value) => ({ case: 'ceUriRef', value }) as const),
  fc.boolean().map((value) => ({ case: 'ceBoolean', value }) as const),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((value) => ({ case: 'ceInteger', value }) as const),
  fc.uint8Array({ maxLength: 9 }).map((value) => ({ case: 'ceBytes', value }) as const),
  fc.integer({ min: -8.64e15, max: 8.64e15 }).map((ms) => ({ case: 'ceTimestamp', value: timestampFromMs(ms) }) as const),
);
const data = fc.oneof(
  text.map((value) => ({ case: 'textData', value }) as const),
  text.map((value) => ({ case: 'binaryData', value: Buffer.from(value) }) as const),
  fc.constant({ case: undefined } as const),
);
const names = fc.stringMatching(/^[a-z0-9]{1,12}$/);
const event = fc.record({ id: text, source: text, specVersion: text, type: text, attributes: fc.dictionary(names, fc.record({ attr }), { maxKeys: 4 }), data });

describe('a publish request', () => {
  test('is read as the generated code reads it', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 3 }), fc.boolean(), (events, independent) => {
        const message = create(PublishRequestSchema, { events: events as MessageInitShape<typeof PublishRequestSchema>['events'] & object, independent });
        const read = readIncoming(Buffer.from(toBinary(PublishRequestSchema, message)));
        expect(JSON.stringify(read.independent)).toBe(JSON.stringify(independent));
        expect(read.events.map(plain)).toEqual(message.events.map(incomingEvent).map(plain));
      }),
      { numRuns: 60 },
    );
  });

  test('that is cut off anywhere within a field is broken, and any bytes are answered', () => {
    const message = create(PublishRequestSchema, { events: [{ id: 'a', type: 'b', data: { case: 'textData', value: '{}' } }] });
    const bytes = Buffer.from(toBinary(PublishRequestSchema, message));
    for (let end = 1; end < bytes.length; end++) expect(() => readIncoming(bytes.subarray(0, end))).toThrow(RangeError);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (random) => {
        try {
          readIncoming(Buffer.from(random));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

function plain({ attributes, data: held }: { attributes: object; data: object }): unknown {
  const given = Object.entries(attributes).filter(([, value]) => value !== undefined);
  return [Object.fromEntries(given.sort(([one], [other]) => (one < other ? -1 : 1))), held];
}
