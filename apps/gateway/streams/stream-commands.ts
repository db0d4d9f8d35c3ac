import { formatStreamKey, streamAggregate, streamIdOf, type Endpoint, type StreamSettings, type StreamState } from '#domain/stream';
import type { Clock } from '#ports';
import type { CommandExecutor, CommandResult } from '#runtime';
import { derivedId, derivedSecret, hashOf, randomId, randomSecret } from '../access/secrets.ts';
import type { Caller } from '../http/caller.ts';
import { badRequest, conflict, notFound, ProblemError } from '../http/problem.errors.ts';
import type { KnownStream } from './stream.view.ts';

/** What the caller said itself; everything else is the defaults'. */
export type SaidSettings = Partial<StreamSettings> & Pick<StreamSettings, 'graceMs'>;

export interface StreamRequest {
  readonly name: string;
  readonly said: SaidSettings;
  readonly defaults: Omit<StreamSettings, 'graceMs'>;
}

export interface StartedStream {
  readonly state: KnownStream;
  readonly streamKey: string;
  /** When this request made it, ms since the Unix epoch; undefined when an earlier one did. */
  readonly createdAtMs: number | undefined;
}

interface Identity {
  readonly streamId: string;
  readonly secret: string;
}

/**
 * With an Idempotency-Key, id and secret follow from it and from the caller's own secret: the retry makes the same
 * stream and shows the same key, although nobody keeps the key.
 */
function identityFor({ principal, proof, idempotencyKey }: Caller): Identity {
  if (idempotencyKey === undefined) return { streamId: streamIdOf(randomId()), secret: randomSecret() };
  return { streamId: streamIdOf(derivedId('stream', principal.id, idempotencyKey)), secret: derivedSecret(proof, 'stream key', idempotencyKey) };
}

/** By what was said: defaults may have changed since the first request. */
function sameRequest(state: KnownStream, { name, said }: StreamRequest, keyHash: string): boolean {
  const before: StreamSettings = state;
  const plain = ({ ladder, ...rest }: Partial<StreamSettings>): string =>
    JSON.stringify([
      ladder?.map((rung) => [rung.name, rung.height, rung.videoBitrate, rung.passThrough === true, rung.codec ?? 'h264']),
      ...(['audioBitrate', 'segmentDurationMs', 'graceMs', 'dvrWindowMs'] as const).map((field) => rest[field]),
      rest.lowLatency !== false,
      rest.unlisted === true,
      (rest.audioTracks ?? []).map(({ track, language, label }) => [track, language, label]),
    ]);
  const same = Object.fromEntries(Object.keys(said).map((field) => [field, before[field as keyof StreamSettings]])) as Partial<StreamSettings>;
  return state.keyHash === keyHash && state.name === name && plain(same) === plain(said);
}

export interface KeyRequest {
  readonly id: string;
  /** Undefined for never. */
  readonly expiresInSeconds: number | undefined;
  readonly singleUse: boolean;
  /** Undefined leaves the keys before as they are. */
  readonly previousForSeconds: number | undefined;
}

/** Carries the API's wishes to the stream's rules, and their refusals back. */
export class StreamCommands {
  readonly #commands: CommandExecutor;
  readonly #clock: Clock;

  constructor(commands: CommandExecutor, clock: Clock) {
    this.#commands = commands;
    this.#clock = clock;
  }

  async start(request: StreamRequest, caller: Caller): Promise<StartedStream> {
    const { streamId, secret } = identityFor(caller);
    const { name, defaults, said } = request;
    const keyHash = hashOf(secret);
    const result = await this.#commands.execute(streamAggregate, streamId, { type: 'CreateStream', streamId, keyHash, name, ...defaults, ...said }, caller);
    const streamKey = formatStreamKey({ streamId, secret });
    if (!result.refused) return { state: known(result), streamKey, createdAtMs: result.events[0]?.time };
    if (result.code !== 'stream-exists') throw badRequest(result.code, `body.${result.message}`);
    if (!sameRequest(known(result), request, keyHash)) {
      throw new ProblemError({ status: 422, code: 'idempotency-key-reused', detail: 'This Idempotency-Key was used for another request.' });
    }
    return { state: known(result), streamKey, createdAtMs: undefined };
  }

  /** @throws ProblemError 404 when there is no such stream, 409 when it has ended. */
  async issueKey(request: KeyRequest, caller: Caller): Promise<{ readonly streamKey: string; readonly expiresAtMs: number }> {
    const { id: streamId, singleUse, expiresInSeconds, previousForSeconds } = request;
    const { proof, idempotencyKey } = caller;
    const secret = idempotencyKey === undefined ? randomSecret() : derivedSecret(proof, 'stream key', streamId, idempotencyKey);
    const now = this.#clock.now();
    const keyHash = hashOf(secret);
    const expiresAtMs = expiresInSeconds === undefined ? 0 : now + expiresInSeconds * 1000;
    const previousUntilMs = previousForSeconds === undefined ? 0 : now + previousForSeconds * 1000;
    const command = { type: 'IssueKey' as const, streamId, keyHash, expiresAtMs, singleUse, previousUntilMs, nowMs: now };
    const result = await this.#commands.execute(streamAggregate, streamId, command, caller);
    if (result.refused) throw result.code === 'unknown-stream' ? notFound(result.code, result.message) : conflict(result.code, result.message);
    // Of a repeated request the first one counts.
    const kept = known(result).keys?.find((key) => key.hash === keyHash);
    return { streamKey: formatStreamKey({ streamId, secret }), expiresAtMs: kept?.untilMs ?? expiresAtMs };
  }

  /** @throws ProblemError 404 when there is no such stream, 409 when nobody publishes there or it has ended. */
  async switchTo(streamId: string, to: Endpoint, reason: string, caller: Caller): Promise<void> {
    const result = await this.#commands.execute(streamAggregate, streamId, { type: 'SwitchPublisher', streamId, to, reason }, caller);
    if (result.refused) throw result.code === 'unknown-stream' ? notFound(result.code, result.message) : conflict(result.code, result.message);
  }

  async stop(streamId: string, detail: string, caller: Caller): Promise<void> {
    const result = await this.#commands.execute(streamAggregate, streamId, { type: 'Stop', streamId, reason: 'operator', detail }, caller);
    if (!result.refused) return;
    throw result.code === 'unknown-stream' ? notFound(result.code, result.message) : conflict(result.code, result.message);
  }
}

function known(result: CommandResult<StreamState>): KnownStream {
  if (result.state.status === 'absent') throw new ProblemError({ status: 500, code: 'internal', detail: 'The stream is not there.' });
  return result.state;
}
