import { status, type ServiceError } from '@grpc/grpc-js';
import { StreamsError, type StreamsErrorCode, type WrongField } from '../../errors.ts';
import { secondsAndNanos } from './cloud-event.codec.ts';
import { ProtobufReader } from './protobuf.codec.ts';

/** What google.rpc.Status (`grpc-status-details-bin`) holds beyond code and message. */
interface Details {
  fields: WrongField[];
  retryAfterMs: number | undefined;
  reason: string;
}

const codes: Readonly<Partial<Record<status, StreamsErrorCode>>> = {
  [status.UNAUTHENTICATED]: 'UNAUTHENTICATED',
  [status.PERMISSION_DENIED]: 'FORBIDDEN',
  [status.OUT_OF_RANGE]: 'TOKEN_TRUNCATED',
  [status.UNIMPLEMENTED]: 'UNSUPPORTED',
  [status.INVALID_ARGUMENT]: 'INVALID',
  [status.NOT_FOUND]: 'INVALID',
  [status.ALREADY_EXISTS]: 'INVALID',
  [status.FAILED_PRECONDITION]: 'INVALID',
};

/** The failure of a call. ABORTED is how a reader that was too slow is sent away: with its place, to come again. */
export function grpcFailure(error: unknown): StreamsError {
  const { code, details: message = '', metadata } = error as Partial<ServiceError>;
  const [bytes] = metadata?.get('grpc-status-details-bin') ?? [];
  const details = Buffer.isBuffer(bytes) ? readStatus(bytes) : { fields: [], retryAfterMs: undefined, reason: '' };
  const said = message === '' ? String((error as Error).message) : message;
  const known = code === undefined ? undefined : codes[code];
  if (known !== undefined) return new StreamsError(said, { code: known, retryable: false, fields: details.fields, cause: error });
  if (code === status.RESOURCE_EXHAUSTED && details.reason === 'BODY_TOO_LARGE') {
    return new StreamsError(said, { code: 'TOO_LARGE', retryable: false, cause: error });
  }
  const limited = code === status.RESOURCE_EXHAUSTED ? 'RATE_LIMITED' : 'UNAVAILABLE';
  return new StreamsError(said, { code: limited, retryable: true, retryAfterMs: details.retryAfterMs, fields: details.fields, cause: error });
}

/** google.rpc.Status { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3 } */
function readStatus(bytes: Buffer): Details {
  const details: Details = { fields: [], retryAfterMs: undefined, reason: '' };
  const reader = new ProtobufReader(bytes);
  try {
    for (let field = reader.next(); field !== 0; field = reader.next()) {
      if (field === 3) readDetail(reader.message(), details);
      else reader.skip();
    }
  } catch {
    // Details are a help; a status without them is one, too.
  }
  return details;
}

/** google.protobuf.Any { string type_url = 1; bytes value = 2 } */
function readDetail(any: ProtobufReader, details: Details): void {
  let type = '';
  for (let field = any.next(); field !== 0; field = any.next()) {
    if (field === 1) type = any.text();
    else if (field === 2) readKnown(type.slice(type.lastIndexOf('/') + 1), any.message(), details);
    else any.skip();
  }
}

/** RetryInfo { Duration retry_delay = 1 }; BadRequest { repeated FieldViolation field_violations = 1 }; ErrorInfo { string reason = 1 } */
function readKnown(type: string, reader: ProtobufReader, details: Details): void {
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1 && type === 'google.rpc.RetryInfo') {
      const [seconds, nanos] = secondsAndNanos(reader.message());
      details.retryAfterMs = seconds * 1000 + nanos / 1_000_000;
    } else if (field === 1 && type === 'google.rpc.BadRequest') details.fields.push(readViolation(reader.message()));
    else if (field === 1 && type === 'google.rpc.ErrorInfo') details.reason = reader.text();
    else reader.skip();
  }
}

/** FieldViolation { string field = 1; string description = 2 } */
function readViolation(reader: ProtobufReader): WrongField {
  let [name, message] = ['', ''];
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) name = reader.text();
    else if (field === 2) message = reader.text();
    else reader.skip();
  }
  return { field: name, message };
}
