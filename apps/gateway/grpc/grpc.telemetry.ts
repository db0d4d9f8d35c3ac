import { metrics, parseTraceparent, runInside, type OpenSpan, type Telemetry } from '#runtime';
import { ResponderBuilder, ServerInterceptingCall, ServerListenerBuilder, status as Status, type Metadata, type ServerInterceptor } from '@grpc/grpc-js';

/** Our own fault, by the conventions for gRPC servers; the others are the caller's. */
const failures: ReadonlySet<number> = new Set([
  Status.UNKNOWN,
  Status.DEADLINE_EXCEEDED,
  Status.UNIMPLEMENTED,
  Status.INTERNAL,
  Status.UNAVAILABLE,
  Status.DATA_LOSS,
]);

/** Counts calls by method and code, times the unary ones, and runs each inside its span: with nobody watching, no call is intercepted. */
export function grpcInterceptors({ tracer, meter }: Telemetry): readonly ServerInterceptor[] {
  if (!tracer.on && !meter.on) return [];
  const [calls, seconds] = [meter.counter(metrics.grpcCalls), meter.histogram(metrics.grpcSeconds)];
  return [
    ({ path, requestStream, responseStream }, call) => {
      const method = path.slice(1);
      const begunMs = performance.now();
      let span: OpenSpan | undefined;
      const listener = new ServerListenerBuilder()
        .withOnReceiveMetadata((metadata, next) => {
          if (!tracer.on) return next(metadata);
          span = tracer.start({ name: method, kind: 'server', parent: parentOf(metadata), attributes: attributesOf(method) });
          runInside(span, () => next(metadata));
        })
        // Where the handlers of a unary call and of a server stream begin.
        .withOnReceiveHalfClose((next) => (span === undefined ? next() : runInside(span, next)))
        .build();
      const responder = new ResponderBuilder()
        .withStart((next) => next(listener))
        .withSendStatus((sent, next) => {
          calls.add(1, { method, code: Status[sent.code] ?? 'UNKNOWN' });
          if (!requestStream && !responseStream) seconds.observe((performance.now() - begunMs) / 1000, { method });
          if (span !== undefined) endSpan(span, sent.code);
          next(sent);
        })
        .build();
      return new ServerInterceptingCall(call, responder);
    },
  ];
}

function parentOf(metadata: Metadata): string | undefined {
  const [given] = metadata.get('traceparent');
  return typeof given === 'string' && parseTraceparent(given) !== undefined ? given : undefined;
}

function attributesOf(method: string) {
  return { 'rpc.system': 'grpc', 'rpc.service': method.split('/')[0], 'rpc.method': method.split('/')[1] };
}

function endSpan(span: OpenSpan, code: number): void {
  if (failures.has(code)) span.fail(Status[code]);
  span.set({ 'rpc.grpc.status_code': code });
  span.end();
}
