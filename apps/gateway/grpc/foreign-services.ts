import { status, type Server, type ServerDuplexStream, type ServiceDefinition, type UntypedHandleCall, type UntypedServiceImplementation } from '@grpc/grpc-js';

/** A request that is none. */
class Unreadable {}

type Callback = (error: unknown, value?: unknown) => void;
type Handler = (call: { readonly request: unknown; emit(event: 'error', error: unknown): void }, callback: Callback) => unknown;
type StreamHandler = (stream: Pick<ServerDuplexStream<unknown, unknown>, 'on' | 'write' | 'end'>) => void;

const unreadable = { code: status.INVALID_ARGUMENT, details: 'The request is not a message of this method.' };
const unanswerable = { code: status.INVALID_ARGUMENT, details: 'The request cannot be answered.' };

/**
 * A server for services that others have written: grpc-js answers INTERNAL to what cannot be parsed, which is the client's fault,
 * and what such a service throws while it reads a stream would end the process.
 */
export function forForeignServices(server: Server): Server {
  const addService = (definition: ServiceDefinition, handlers: UntypedServiceImplementation): void =>
    server.addService(parsedSoftly(definition), guarded(definition, handlers));
  return { addService } as Server;
}

function parsedSoftly(definition: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(definition).map(([name, method]) => {
    const requestDeserialize = (bytes: Buffer): unknown => {
      try {
        return method.requestDeserialize(bytes);
      } catch {
        return new Unreadable();
      }
    };
    return [name, { ...method, requestDeserialize }];
  });
  return Object.fromEntries(methods) as ServiceDefinition;
}

function guarded(definition: ServiceDefinition, handlers: UntypedServiceImplementation): UntypedServiceImplementation {
  const methods = Object.entries(definition);
  return Object.fromEntries(
    Object.entries(handlers).map(([name, handler]) => {
      const method = methods.find(([key, { originalName }]) => key === name || originalName === name)?.[1];
      return [name, (method?.requestStream ? guardedStream(handler as StreamHandler) : guardedCall(handler as Handler)) as UntypedHandleCall];
    }),
  );
}

function guardedCall(handler: Handler): Handler {
  return (call, callback) => {
    if (!(call.request instanceof Unreadable)) return handler(call, callback);
    return typeof callback === 'function' ? callback(unreadable) : call.emit('error', unreadable);
  };
}

function guardedStream(handler: StreamHandler) {
  return (stream: ServerDuplexStream<unknown, unknown>): void => {
    let isOver = false;
    const fail = (error: object): void => {
      isOver = true;
      stream.emit('error', error);
    };
    const hear = (listener: (message: unknown) => void) => (message: unknown) => {
      if (isOver) return;
      if (message instanceof Unreadable) return fail(unreadable);
      try {
        listener(message);
      } catch {
        fail(unanswerable);
      }
    };
    handler({
      on(event: string, listener: (...args: unknown[]) => void) {
        stream.on(event, event === 'data' ? hear(listener) : listener);
        return this as never;
      },
      write: (message: unknown) => stream.write(message),
      end: () => (isOver ? stream : stream.end()),
    } as Pick<ServerDuplexStream<unknown, unknown>, 'on' | 'write' | 'end'>);
  };
}
