import { contexts } from '#events';
import { openApiOf } from '../../openapi/openapi.ts';
import { operations } from '../../openapi/operations.ts';
import { startGateway, World, type RunningGateway } from '../gateway.fixture.ts';
import type { AnswerBody } from '../answer-body.ts';
import { ask } from '../http-client.ts';
import { Health } from '../../grpc/generated/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '../../grpc/generated/grpc/reflection/v1/reflection_pb.ts';
import { EventService } from '../../grpc/generated/streams/v1/event_service_pb.ts';
import { QueryService } from '../../grpc/generated/streams/v1/query_service_pb.ts';
import { WatchService } from '../../grpc/generated/streams/v1/watch_service_pb.ts';
import { apiCalls, type ApiDocument } from './api-calls.ts';
import { protoCalls } from './proto-calls.ts';
import { runFuzz, type FuzzReport } from './run-fuzz.ts';
import { runProtoFuzz, type ProtoReport } from './run-proto-fuzz.ts';

/** Content and a viewer of it. */
const furniture = [
  ['content.published', { contentId: 'film-1', url: 'https://origin.example/film-1', contentType: 'video/mp4' }],
  ['playback.started', { sessionId: 'ps-1', assetKind: 'stream', assetId: 'film-1', startupMs: 1 }],
] as const;

/** A gateway with things in it that somebody might want to break. */
export class FuzzedWorld {
  readonly #world: World;
  readonly #gateway: RunningGateway;
  readonly #known: readonly string[];
  readonly #admin: string;
  /** Credentials that may change nothing that these operations change, or nothing at all. */
  readonly #powerless: ReadonlyArray<Readonly<Record<string, string>>>;

  private constructor(
    world: World,
    gateway: RunningGateway,
    known: readonly string[],
    admin: string,
    powerless: ReadonlyArray<Readonly<Record<string, string>>>,
  ) {
    this.#world = world;
    this.#gateway = gateway;
    this.#known = known;
    this.#admin = admin;
    this.#powerless = powerless;
  }

  static async open(world: World): Promise<FuzzedWorld> {
    const gateway = await startGateway(world.engines, world.consolePath);
    const unlimited = { ratePerMinute: 10_000_000 };
    const { authorization } = await world.key(['admin'], unlimited);
    const post = async (path: string, body: unknown): Promise<AnswerBody> =>
      (await ask(gateway.url, path, { method: 'POST', headers: { authorization }, body })).json;
    await post('/api/v1/tenants', { id: 'acme', name: 'Acme' });
    const stream = await post('/api/v1/stream/start', { name: 'News' });
    const purge = await post('/api/v1/cdn/cache/purge', { urls: ['/x'] });
    for (const [type, data] of furniture) await post('/api/v1/events', { specversion: '1.0', id: `fuzz-${type}`, source: '/fuzz', type, data });
    const victim = await world.key(['view']);
    const viewer = await world.key(['view'], { ...unlimited, tenant: 'acme' });
    const edge = await world.key(['edge'], { ...unlimited, tenant: 'acme' });
    const ended = await world.key(['admin'], { ...unlimited, expiresAtMs: 1 });
    const powerless = [
      {},
      { authorization: 'Bearer sk_k-admin_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' },
      { authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4Iiwic2NvcGUiOiJhZG1pbiJ9.' },
      { authorization: 'Basic YWRtaW46YWRtaW4=' },
      ...[viewer, edge, ended].map((key) => ({ authorization: key.authorization })),
    ];
    await world.settle();
    return new FuzzedWorld(world, gateway, [stream.id, purge.purgeId, victim.id, 'acme', 'film-1', 'content.published'], authorization, powerless);
  }

  /** Calls as an admin, who may do everything: nothing of it may break the gateway. */
  asAdmin(count: number, seed: number): Promise<FuzzReport> {
    return this.#run(count, seed, () => ({ authorization: this.#admin }));
  }

  /** Calls by those who may change nothing, from many addresses. `changes` are the events that they caused all the same. */
  async asOthers(count: number, seed: number): Promise<FuzzReport & { readonly changes: readonly string[] }> {
    const before = await this.#events();
    const report = await this.#run(count, seed, (at) => this.#powerless[at % this.#powerless.length] ?? {});
    const after = await this.#events();
    return { ...report, changes: after.slice(before.length) };
  }

  /** Calls over gRPC as an admin. */
  protoAsAdmin(count: number, seed: number): Promise<ProtoReport> {
    return this.#runProto(count, seed, () => ({ authorization: this.#admin }));
  }

  /** Calls over gRPC by those who may change nothing. */
  async protoAsOthers(count: number, seed: number): Promise<ProtoReport & { readonly changes: readonly string[] }> {
    const before = await this.#events();
    const report = await this.#runProto(count, seed, (at) => this.#powerless[at % this.#powerless.length] ?? {});
    const after = await this.#events();
    return { ...report, changes: after.slice(before.length) };
  }

  async close(): Promise<void> {
    await this.#gateway.stop();
    await this.#world.close();
  }

  #run(count: number, seed: number, credentials: (at: number) => Readonly<Record<string, string>>): Promise<FuzzReport> {
    const calls = apiCalls(openApiOf(operations) as unknown as ApiDocument, { seed, count, known: this.#known });
    // Strangers get 1,000 calls a minute for each address: enough addresses let each of them be judged.
    return runFuzz({ url: this.#gateway.url, calls, credentials, localAddress: (at) => `127.0.0.${2 + (at % 120)}` });
  }

  #runProto(count: number, seed: number, credentials: (at: number) => Readonly<Record<string, string>>): Promise<ProtoReport> {
    const calls = protoCalls([EventService, QueryService, WatchService, Health, ServerReflection], { seed, count, known: this.#known });
    return runProtoFuzz({ address: this.#gateway.grpc, calls, credentials });
  }

  /** Types of all events but refusals, which are put on record however often somebody knocks. */
  async #events(): Promise<string[]> {
    await this.#world.settle();
    const types: string[] = [];
    for (const topic of contexts) {
      for (const { partition, low, high } of await this.#world.engines.log.heads(topic)) {
        for (let from = low; from < high;) {
          const { records, next } = await this.#world.engines.log.read(topic, partition, from, { recordsMax: 1000, bytesMax: 1e7, waitMs: 0 });
          types.push(...records.map(({ headers }) => headers['ce_type'] ?? ''));
          from = next;
        }
      }
    }
    return types.filter((type) => type !== 'access.refused');
  }
}
