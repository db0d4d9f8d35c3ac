import type { IncomingEvent } from '#events';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { CloudEvent, CloudEvent_CloudEventAttributeValue } from '../grpc/generated/io/cloudevents/v1/cloudevents_pb.ts';

/** Times beyond these are none that a JavaScript date can hold; the intake refuses them as text. */
const timeMsMax = 8.64e15;

function attributeOf({ attr }: CloudEvent_CloudEventAttributeValue): unknown {
  switch (attr.case) {
    case 'ceTimestamp': {
      const ms = timestampMs(attr.value);
      return Math.abs(ms) <= timeMsMax ? new Date(ms).toISOString() : `${attr.value.seconds} s`;
    }
    case 'ceBytes':
      return Buffer.from(attr.value).toString('base64');
    case 'ceBoolean':
    case 'ceInteger':
      return String(attr.value);
    case 'ceString':
    case 'ceUri':
    case 'ceUriRef':
      return attr.value;
    case undefined:
      return undefined;
  }
}

/** What readIncoming does, by the generated code: an event of the protobuf format as the intake takes it. Data that is a protobuf message is no JSON, and is refused there. */
export function incomingEvent({ id, source, specVersion, type, attributes, data }: CloudEvent): IncomingEvent {
  const all: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const name in attributes) all[name] = attributeOf(attributes[name] as CloudEvent_CloudEventAttributeValue);
  // The required attributes are what the fields say, whatever the map holds beside them.
  const given = { id, source, specversion: specVersion, type };
  for (const [name, value] of Object.entries(given)) all[name] = value === '' ? undefined : value;
  return { attributes: all, data: dataOf(data) };
}

function dataOf(data: CloudEvent['data']): IncomingEvent['data'] {
  switch (data.case) {
    case 'textData':
      return { json: data.value };
    case 'binaryData':
      return { json: Buffer.from(data.value).toString('utf8') };
    case 'protoData':
    case undefined:
      return { value: undefined };
  }
}
