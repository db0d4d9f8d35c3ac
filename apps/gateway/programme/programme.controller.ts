import { base32Of, clipSubject, markerSubject, orderAggregate, segmentTable, type Mark, type MarkerTold, type RequestClip } from '#domain/stream';
import { Clock, ReadStore } from '#ports';
import { CommandExecutor } from '#runtime';
import { Controller } from '@nestjs/common';
import { derivedId, randomId } from '../access/secrets.ts';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { badRequest, conflict, notFound } from '../http/problem.errors.ts';
import { PublicUrls } from '../public-urls.ts';
import { StreamExtras } from '../streams/stream-extras.ts';
import { StreamReader } from '../streams/stream-reader.ts';
import { createClip, listClips, listMarkers, markStream, showClip } from './programme.contract.ts';
import { clipOf, clipRows, markerOf, markerSaid, requestedClip, toldMarkerOf } from './programme.view.ts';

/** A segment that begins this long before a piece may still have its beginning, ms. */
const segmentMsMax = 12_000n;
/** So long a marker lasts at most: one that begins earlier says nothing about the stream, and of one that begins later nobody knows yet, ms. */
const markerMsMax = 86_400_000;
/** The clocks of who asks and of this machine differ. */
const futureMsMax = 5000;

/** Pieces that are cut out of streams, and what stretches of them mean. */
@Controller()
export class ProgrammeController {
  readonly #commands: CommandExecutor;
  readonly #streams: StreamReader;
  readonly #extras: StreamExtras;
  readonly #reads: ReadStore;
  readonly #urls: PublicUrls;
  readonly #clock: Clock;

  constructor(commands: CommandExecutor, streams: StreamReader, extras: StreamExtras, reads: ReadStore, urls: PublicUrls, clock: Clock) {
    this.#commands = commands;
    this.#streams = streams;
    this.#extras = extras;
    this.#reads = reads;
    this.#urls = urls;
    this.#clock = clock;
  }

  @Route(createClip)
  async clip(@Input(createClip) { params, body }: InputOf<typeof createClip>, @ByCaller() caller: Caller): Promise<object> {
    const owner = await this.#existing(params.id, caller);
    const { name, from: fromMs, until: untilMs } = body;
    if (untilMs > this.#clock.now() + futureMsMax) throw fieldProblem('until', 'It lies in the future: only what was sent can be cut out.');
    const asked = { streamId: params.id, clipId: idFor('cl', params.id, caller), name, fromMs, untilMs };
    await this.#order(clipSubject(params.id, asked.clipId), { type: 'RequestClip', ...asked }, owner, () => this.#requireMedia(params.id, fromMs, untilMs));
    const [row] = await clipRows(this.#reads, params.id, asked.clipId);
    return row === undefined ? requestedClip(asked, this.#clock.now()) : clipOf(row, this.#urls);
  }

  @Route(listClips)
  async clips(@Input(listClips) { params }: InputOf<typeof listClips>, @ByCaller() caller: Caller): Promise<object> {
    await this.#existing(params.id, caller);
    return { items: (await clipRows(this.#reads, params.id)).map((row) => clipOf(row, this.#urls)) };
  }

  @Route(showClip)
  async oneClip(@Input(showClip) { params }: InputOf<typeof showClip>, @ByCaller() caller: Caller): Promise<object> {
    await this.#existing(params.id, caller);
    const [row] = await clipRows(this.#reads, params.id, params.clipId);
    if (row === undefined) throw notFound('unknown-clip', `The stream has no clip ${params.clipId}.`);
    return clipOf(row, this.#urls);
  }

  @Route(markStream)
  async mark(@Input(markStream) { params, body }: InputOf<typeof markStream>, @ByCaller() caller: Caller): Promise<object> {
    const owner = await this.#existing(params.id, caller);
    if (body.at !== undefined) await this.#requireNear(params.id, body.at);
    const markerId = body.id ?? idFor('mk', params.id, caller);
    const marker = { streamId: params.id, markerId, origin: 'api' as const, ...markerSaid(body) };
    const told = await this.#order(markerSubject(params.id, markerId), { type: 'Mark', marker, nowMs: this.#clock.now() }, owner);
    return toldMarkerOf(told as MarkerTold);
  }

  @Route(listMarkers)
  async markers(@Input(listMarkers) { params }: InputOf<typeof listMarkers>, @ByCaller() caller: Caller): Promise<object> {
    await this.#existing(params.id, caller);
    return { items: (await this.#extras.markers(params.id)).map(markerOf) };
  }

  /** The caller as one of the stream's tenant, whose the clip or marker is whoever asked for it. @throws ProblemError 404 */
  async #existing(id: string, caller: Caller): Promise<Caller> {
    const stream = await this.#streams.visible(id, caller.principal);
    if (stream === undefined) throw notFound('unknown-stream', `There is no stream ${id}.`);
    const tenant = await this.#streams.tenantOf(id);
    return tenant === undefined ? caller : { ...caller, tenant };
  }

  async #order(id: string, command: RequestClip | Mark, caller: Caller, check?: () => Promise<void>): Promise<unknown> {
    await check?.();
    const result = await this.#commands.execute(orderAggregate, id, command, caller);
    if (result.refused) throw result.code.startsWith('invalid-') ? badRequest(result.code, `body.${result.message}`) : conflict(result.code, result.message);
    return result.state.status === 'known' ? result.state.told : undefined;
  }

  /** Playlists would carry a marker of another time for as long as the stream lives. @throws ProblemError 400 */
  async #requireNear(streamId: string, atMs: number): Promise<void> {
    const nowMs = this.#clock.now();
    if (atMs > nowMs + markerMsMax) throw fieldProblem('at', 'It lies more than a day ahead: say it when it comes closer.');
    const row = await this.#streams.row(streamId);
    const createdMs = row === undefined ? nowMs : Number(row['created_at_ms']);
    if (atMs >= createdMs - markerMsMax) return;
    // A publisher's clock may be behind: what its segments say counts.
    const where = [{ column: 'stream_id', is: 'eq' as const, value: streamId }];
    const [first] = await this.#reads.select(segmentTable, { where, orderBy: [{ column: 'media_sequence' }], limit: 1 });
    const beganMs = first === undefined ? createdMs : Math.min(createdMs, Number(first['program_date_time_ms']));
    if (atMs < beganMs - markerMsMax) throw fieldProblem('at', 'It lies more than a day before the stream began.');
  }

  /** What was never sent cannot be cut out; that is told at once, and not by a job that fails. @throws ProblemError 409 */
  async #requireMedia(streamId: string, fromMs: number, untilMs: number): Promise<void> {
    const at = (is: 'gt' | 'lt', value: bigint) => ({ column: 'program_date_time_ms', is, value });
    const where = [{ column: 'stream_id', is: 'eq' as const, value: streamId }, at('gt', BigInt(fromMs) - segmentMsMax), at('lt', BigInt(untilMs))];
    const rows = untilMs <= fromMs ? [0] : await this.#reads.select(segmentTable, { where, limit: 1 });
    if (rows.length === 0) throw conflict('nothing-stored', 'Nothing of the stream is stored of that time.');
  }
}

/** With an Idempotency-Key the id follows from it, so that a repeated request names the same thing. */
function idFor(prefix: 'cl' | 'mk', streamId: string, { principal, idempotencyKey }: Caller): string {
  const id = idempotencyKey === undefined ? randomId() : derivedId(prefix, principal.id, streamId, idempotencyKey);
  return `${prefix}-${base32Of(id)}`;
}

function fieldProblem(name: string, message: string): Error {
  return badRequest('invalid-request', `body.${name}: ${message}`, [{ field: `body.${name}`, message }]);
}
