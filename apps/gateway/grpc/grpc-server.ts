import { readFileSync } from 'node:fs';
import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import type { DescFile, DescService } from '@bufbuild/protobuf';
import { toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { HealthImplementation } from 'grpc-health-check';
import type { Telemetry } from '#runtime';
import { ErrorInfoSchema } from './generated/google/rpc/error_details_pb.ts';
import { StatusSchema } from './generated/google/rpc/status_pb.ts';
import { Health } from './generated/grpc/health/v1/health_pb.ts';
import { forForeignServices } from './foreign-services.ts';
import { grpcInterceptors } from './grpc.telemetry.ts';
import { definitionOf } from './service-definition.ts';

export interface GrpcServerInit {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** PEM files; without them the server speaks plain text, for a mesh or a proxy to encrypt. */
  readonly tls: { readonly certPath: string; readonly keyPath: string } | undefined;
}

export interface GrpcService {
  readonly service: DescService;
  readonly handlers: UntypedServiceImplementation;
}

/** What a request may weigh: a batch of events as large as the intake takes, and room around it. */
const receiveBytesMax = 6_291_456;
/** One event may be as large as the log takes, and a batch has one at least. */
const sendBytesMax = 16_777_216;
/** How long calls under way are waited for at the end, ms. */
const drainMs = 1_500;

/** Every file that the services need, what their errors carry, and the health service; a file comes behind those that it needs. */
function filesOf(services: readonly DescService[]): readonly DescFile[] {
  const files = new Set<DescFile>();
  const add = (file: DescFile): void => {
    for (const dependency of file.dependencies) add(dependency);
    files.add(file);
  };
  for (const { file } of [...services, Health, StatusSchema, ErrorInfoSchema]) add(file);
  return [...files];
}

/** The gRPC server of a gateway: our services, health (grpc.health.v1) and reflection (v1 and v1alpha). */
export class GrpcServer {
  readonly #init: GrpcServerInit;
  readonly #server: Server;
  readonly #health: HealthImplementation;
  readonly #names: readonly string[];

  constructor(services: readonly GrpcService[], init: GrpcServerInit, telemetry?: Telemetry) {
    this.#init = init;
    this.#server = new Server({
      'grpc.max_receive_message_length': receiveBytesMax,
      'grpc.max_send_message_length': sendBytesMax,
      'grpc.max_concurrent_streams': 1_024,
      'grpc.keepalive_time_ms': 20_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.keepalive_permit_without_calls': 1,
      interceptors: telemetry === undefined ? [] : [...grpcInterceptors(telemetry)],
    });
    for (const { service, handlers } of services) this.#server.addService(definitionOf(service), handlers);
    this.#names = ['', ...services.map(({ service }) => service.typeName)];
    this.#health = new HealthImplementation(Object.fromEntries(this.#names.map((name) => [name, 'NOT_SERVING'])));
    const foreign = forForeignServices(this.#server);
    this.#health.addToServer(foreign);
    const fileDescriptorProtos = filesOf(services.map(({ service }) => service)).map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file.proto)));
    // Reflection reads nothing of a package but its file descriptors.
    new ReflectionService({ streams: { fileDescriptorProtos } } as unknown as ConstructorParameters<typeof ReflectionService>[0]).addToServer(foreign);
  }

  /** Answers the port. @throws when it is taken, or the files of TLS cannot be read. */
  async listen(): Promise<number> {
    const { host, port, tls } = this.#init;
    const credentials =
      tls === undefined
        ? ServerCredentials.createInsecure()
        : ServerCredentials.createSsl(null, [{ cert_chain: readFileSync(tls.certPath), private_key: readFileSync(tls.keyPath) }]);
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const bound = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(address, credentials, (error, at) => (error === null ? resolve(at) : reject(error)));
    });
    this.#setHealth('SERVING');
    return bound;
  }

  /** Takes no more calls, lets those under way end, and ends those that do not. */
  async stop(): Promise<void> {
    this.#setHealth('NOT_SERVING');
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => {
        this.#server.forceShutdown();
        resolve();
      }, drainMs);
      this.#server.tryShutdown(() => {
        clearTimeout(force);
        resolve();
      });
    });
  }

  #setHealth(state: 'SERVING' | 'NOT_SERVING'): void {
    for (const name of this.#names) this.#health.setStatus(name, state);
  }
}
