import { toBinary, type DescMethod, type DescService, type MessageShape } from '@bufbuild/protobuf';
import type { ServiceDefinition } from '@grpc/grpc-js';

/** What a handler answers: a message, or the bytes of one. */
export type Answer<Method extends DescMethod> = MessageShape<Method['output']> | Uint8Array;

/**
 * The definition of a service as grpc-js wants it. Requests reach the handlers as bytes: grpc-js answers INTERNAL to what
 * cannot be parsed, and that is the client's fault, not ours.
 */
export function definitionOf(service: DescService): ServiceDefinition {
  const methods = service.methods.map((method) => [
    method.localName,
    {
      path: `/${service.typeName}/${method.name}`,
      requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
      responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
      requestSerialize: (bytes: Buffer) => bytes,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (answer: Answer<DescMethod>) => asBuffer(answer instanceof Uint8Array ? answer : toBinary(method.output, answer)),
      responseDeserialize: (bytes: Buffer) => bytes,
    },
  ]);
  return Object.fromEntries(methods) as ServiceDefinition;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
