import { instantText } from '../../../events/index.ts';
import type { CloudEventJson, OutgoingEvent } from '../../event/index.ts';
import type { ProtobufReader, ProtobufWriter } from './protobuf.codec.ts';

/*
 * io.cloudevents.v1.CloudEvent { string id = 1; string source = 2; string spec_version = 3; string type = 4;
 *   map<string, CloudEventAttributeValue> attributes = 5; bytes binary_data = 6; string text_data = 7 }
 * CloudEventAttributeValue { bool ce_boolean = 1; int32 ce_integer = 2; string ce_string = 3; bytes ce_bytes = 4;
 *   string ce_uri = 5; string ce_uri_ref = 6; google.protobuf.Timestamp ce_timestamp = 7 }
 */

const kind = { string: 3, uri: 5 } as const;

function textAttribute(writer: ProtobufWriter, name: string, value: string | undefined, field: number = kind.string): void {
  if (value === undefined || value === '') return;
  writer.message(5, () => {
    writer.text(1, name);
    writer.message(2, () => writer.text(field, value));
  });
}

function timeAttribute(writer: ProtobufWriter, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  writer.message(5, () => {
    writer.text(1, 'time');
    writer.message(2, () => {
      writer.message(7, () => {
        if (seconds > 0) writer.number(1, seconds);
        if (ms > seconds * 1000) writer.number(2, (ms - seconds * 1000) * 1_000_000);
      });
    });
  });
}

/** Writes the fields of a CloudEvent. */
export function writeCloudEvent(writer: ProtobufWriter, event: OutgoingEvent): void {
  writer.text(1, event.id);
  writer.text(2, event.source);
  writer.text(3, '1.0');
  writer.text(4, event.type);
  if (event.isTimeStated) {
    if (event.time >= 0) timeAttribute(writer, event.time);
    else textAttribute(writer, 'time', instantText(event.time));
  }
  textAttribute(writer, 'dataschema', event.dataschema, kind.uri);
  textAttribute(writer, 'correlationid', event.correlationId);
  textAttribute(writer, 'causationid', event.causationId);
  textAttribute(writer, 'traceparent', event.traceparent);
  writer.text(7, event.data);
}

/** Reads a CloudEvent into the shape of its JSON format. Data that is not JSON is left out. */
export function readCloudEvent(reader: ProtobufReader): CloudEventJson {
  const event: Record<string, unknown> = {};
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) event['id'] = reader.text();
    else if (field === 2) event['source'] = reader.text();
    else if (field === 3) event['specversion'] = reader.text();
    else if (field === 4) event['type'] = reader.text();
    else if (field === 5) readAttribute(reader.message(), event);
    else if (field === 7) readData(reader.text(), event);
    else reader.skip();
  }
  return event;
}

function readData(text: string, event: Record<string, unknown>): void {
  try {
    event['data'] = JSON.parse(text);
  } catch {
    event['data_text'] = text;
  }
}

function readAttribute(entry: ProtobufReader, event: Record<string, unknown>): void {
  let name = '';
  let value: unknown;
  for (let field = entry.next(); field !== 0; field = entry.next()) {
    if (field === 1) name = entry.text();
    else if (field === 2) value = attributeValue(entry.message());
    else entry.skip();
  }
  event[name] = value;
}

function attributeValue(reader: ProtobufReader): unknown {
  let value: unknown;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) value = reader.varint() !== 0;
    else if (field === 2) value = reader.varint();
    else if (field === 3 || field === 5 || field === 6) value = reader.text();
    else if (field === 7) value = timestamp(reader.message());
    else reader.skip();
  }
  return value ?? 0;
}

/** google.protobuf.Timestamp { int64 seconds = 1; int32 nanos = 2 } as RFC 3339. */
function timestamp(reader: ProtobufReader): string {
  const [seconds, nanos] = secondsAndNanos(reader);
  return new Date(seconds * 1000 + Math.floor(nanos / 1_000_000)).toISOString();
}

/** Of a Timestamp, or of a Duration, whose fields are the same. */
export function secondsAndNanos(reader: ProtobufReader): readonly [number, number] {
  let [seconds, nanos] = [0, 0];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) seconds = reader.varint();
    else if (field === 2) nanos = reader.varint();
    else reader.skip();
  }
  return [seconds, nanos];
}
