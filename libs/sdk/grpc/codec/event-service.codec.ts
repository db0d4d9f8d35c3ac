import { StreamsError, type StreamsErrorCode } from '../../errors.ts';
import type { CloudEventJson, OutgoingEvent } from '../../event/index.ts';
import type { Delivery, EventFilter, PublishResult, Start } from '../../transport.ts';
import { readCloudEvent, writeCloudEvent } from './cloud-event.codec.ts';
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
    if (filter.tenant !== undefined) writer.text(6, filter.tenant);
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

/** PublishRequest { repeated CloudEvent events = 1; bool independent = 2 }: each event for itself. */
export function encodePublishRequest(events: readonly OutgoingEvent[]): Buffer {
  for (const event of events) writer.message(1, () => writeCloudEvent(writer, event));
  writer.number(2, 1);
  return writer.take();
}

/** PublishResponse { repeated PublishOutcome outcomes = 1 }, one per event. @throws StreamsError when it is none. */
export function decodePublishResponse(bytes: Buffer, events: readonly OutgoingEvent[]): readonly PublishResult[] {
  const reader = new ProtobufReader(bytes);
  const results: PublishResult[] = [];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) results.push(readOutcome(reader.message(), events[results.length]?.id ?? ''));
    else reader.skip();
  }
  if (results.length === events.length) return results;
  throw new StreamsError('The answer does not tell of every event.', { code: 'PROTOCOL', retryable: true });
}

/** PublishOutcome { string id = 1; PublishAccepted accepted = 2; PublishRejected rejected = 3 } */
function readOutcome(reader: ProtobufReader, id: string): PublishResult {
  let result: PublishResult = { accepted: false, id, code: 'PROTOCOL', field: '', message: 'Streams gave no outcome.', retryable: true };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 2) result = readAccepted(reader.message(), id);
    else if (field === 3) result = readRejected(reader.message(), id);
    else reader.skip();
  }
  return result;
}

/** PublishAccepted { string context = 1; int32 partition = 2; int64 offset = 3; bool duplicate = 4 } */
function readAccepted(reader: ProtobufReader, id: string): PublishResult {
  let [topic, partition, offset, duplicate] = ['', 0, 0, false];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) topic = reader.text();
    else if (field === 2) partition = reader.varint();
    else if (field === 3) offset = reader.varint();
    else if (field === 4) duplicate = reader.varint() !== 0;
    else reader.skip();
  }
  return { accepted: true, id, topic, partition, offset: BigInt(offset), duplicate };
}

/** PublishRejected { string code = 1; string field = 2; string message = 3; bool retryable = 4 } */
function readRejected(reader: ProtobufReader, id: string): PublishResult {
  let [code, name, message, retryable] = ['', '', '', false];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) code = reader.text();
    else if (field === 2) name = reader.text();
    else if (field === 3) message = reader.text();
    else if (field === 4) retryable = reader.varint() !== 0;
    else reader.skip();
  }
  return { accepted: false, id, code: code as StreamsErrorCode, field: name, message, retryable };
}
