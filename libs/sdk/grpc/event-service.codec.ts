import type { CloudEventJson } from '../event/index.ts';
import type { Delivery, EventFilter, Start } from '../transport.ts';
import { readCloudEvent } from './cloud-event.codec.ts';
import { ProtobufReader, ProtobufWriter } from './protobuf.codec.ts';

/* The messages of proto/streams/v1/event_service.proto. Encodings are made one at a time: nothing in here waits. */
const writer = new ProtobufWriter();

const places = { now: 1, recent: 2, beginning: 3 } as const;

export interface SubscribeRequest {
  readonly filter: EventFilter;
  readonly start: Start;
}

/** SubscribeRequest { EventFilter filter = 1; StartAt at = 2; string token = 3; google.protobuf.Timestamp time = 4 } */
export function encodeSubscribeRequest({ filter, start }: SubscribeRequest): Buffer {
  writer.message(1, () => {
    for (const context of filter.contexts ?? []) writer.text(1, context);
    for (const type of filter.types ?? []) writer.text(2, type);
    if (filter.subject !== undefined) writer.text(3, filter.subject);
    if (filter.subjectPrefix !== undefined) writer.text(4, filter.subjectPrefix);
    if (filter.key !== undefined) writer.text(5, filter.key);
  });
  if ('at' in start) writer.number(2, places[start.at]);
  else if ('token' in start) writer.text(3, start.token);
  else {
    const seconds = Math.floor(Math.max(0, start.time) / 1000);
    writer.message(4, () => {
      if (seconds > 0) writer.number(1, seconds);
      const ms = Math.floor(Math.max(0, start.time) - seconds * 1000);
      if (ms > 0) writer.number(2, ms * 1_000_000);
    });
  }
  return writer.take();
}

/** SubscribeResponse { repeated CloudEvent events = 1; string token = 2; bool live = 3 } */
export function decodeSubscribeResponse(bytes: Buffer): Delivery {
  const reader = new ProtobufReader(bytes);
  const events: CloudEventJson[] = [];
  let token = '';
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) events.push(readCloudEvent(reader.message()));
    else if (field === 2) token = reader.text();
    else reader.skip();
  }
  return { events, token };
}
