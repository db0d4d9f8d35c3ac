import { formatStreamKey, streamAggregate, streamIdOf, type StreamSettings, type StreamState } from '#domain/stream';
import type { CommandExecutor, CommandResult } from '#runtime';
import { derivedId, derivedSecret, hashOf, randomId, randomSecret } from '../access/secrets.ts';
import type { Caller } from '../http/caller.ts';
import { badRequest, conflict, notFound, ProblemError } from '../http/problem.errors.ts';
import type { KnownStream } from './stream.view.ts';

export interface StreamRequest extends StreamSettings {
  readonly name: string;
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

function sameRequest(state: KnownStream, request: StreamRequest, keyHash: string): boolean {
  const pick = ({ name, ladder, audioBitrate, segmentDurationMs, graceMs, dvrWindowMs }: StreamRequest): string =>
    JSON.stringify([name, ladder.map((rung) => [rung.name, rung.height, rung.videoBitrate]), audioBitrate, segmentDurationMs, graceMs, dvrWindowMs]);
  return state.keyHash === keyHash && pick(state) === pick(request);
}

/** Carries the API's wishes to the stream's rules, and their refusals back. */
export class StreamCommands {
  readonly #commands: CommandExecutor;

  constructor(commands: CommandExecutor) {
    this.#commands = commands;
  }

  async start(request: StreamRequest, caller: Caller): Promise<StartedStream> {
    const { streamId, secret } = identityFor(caller);
    const keyHash = hashOf(secret);
    const result = await this.#commands.execute(streamAggregate, streamId, { type: 'CreateStream', streamId, keyHash, ...request }, caller);
    const streamKey = formatStreamKey({ streamId, secret });
    if (!result.refused) return { state: known(result), streamKey, createdAtMs: result.events[0]?.time };
    if (result.code !== 'stream-exists') throw badRequest(result.code, `body.${result.message}`);
    if (!sameRequest(known(result), request, keyHash)) {
      throw new ProblemError({ status: 422, code: 'idempotency-key-reused', detail: 'This Idempotency-Key was used for another request.' });
    }
    return { state: known(result), streamKey, createdAtMs: undefined };
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
