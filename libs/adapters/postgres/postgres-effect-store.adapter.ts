import { definitionOf, encodeEvent, type EventEnvelope } from '#events';
import {
  EffectStore,
  effectStoreErrors,
  type Effect,
  type EffectAttempt,
  type EffectBacklog,
  type EffectQuery,
  type EffectSettlement,
  type EnlistedEffect,
  type Enlistment,
  type ReactorCommit,
  type ReactorIdentity,
  type ReactorPartition,
  type ReactorPosition,
  type ReactorStart,
} from '#ports';
import { columnArray, textArray } from './array-literal.ts';
import type { Database, Statement, TextResult } from './database.ts';
import { attemptColumns, attemptOf, effectColumns, effectOf, newEffectColumns } from './effect-rows.ts';
import { enlistStatement, insertEffects, listStatement, repeatEffects, settleStatement } from './effect-sql.ts';

type Run = (statement: Statement) => Promise<TextResult>;

/** The ledger of effects in `streams.effects`; outcomes go out by the outbox, in the transaction that records them. */
export class PostgresEffectStore extends EffectStore {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  override async begin({ name, version }: ReactorIdentity, starts: readonly ReactorStart[]): Promise<void> {
    const text = `
      INSERT INTO streams.reactor_positions (reactor, topic, partition, version, position, epoch)
      SELECT $1, topic, partition, $2, position, 0 FROM unnest($3::text[], $4::int[], $5::bigint[]) AS start (topic, partition, position)
      ON CONFLICT DO NOTHING`;
    await this.#database.read({ text, values: [name, version, ...startColumns(starts)] });
  }

  override async claim({ name, version }: ReactorIdentity, { topic, partition }: ReactorPartition, epoch: bigint): Promise<bigint> {
    const text = `
      UPDATE streams.reactor_positions SET version = $4, epoch = $5
      WHERE reactor = $1 AND topic = $2 AND partition = $3 AND (version < $4 OR version = $4 AND epoch <= $5) RETURNING position`;
    const { rows } = await this.#database.read({ name: 'claim_reactor', text, values: [name, topic, partition, version, String(epoch)] });
    const position = rows[0]?.[0];
    if (position !== undefined && position !== null) return BigInt(position);
    const { rows: found } = await this.#database.read({
      text: 'SELECT version FROM streams.reactor_positions WHERE reactor = $1 AND topic = $2 AND partition = $3',
      values: [name, topic, partition],
    });
    if (found[0] === undefined) throw effectStoreErrors.unknown(name, topic, partition);
    const by = Number(found[0][0]);
    throw by > version ? effectStoreErrors.superseded(name, version, by) : effectStoreErrors.fenced();
  }

  override async commit({ reactor, at, from, to, epoch, effects, repeats }: ReactorCommit): Promise<void> {
    const move = `
      UPDATE streams.reactor_positions SET position = $6, moved_at = clock_timestamp()
      WHERE reactor = $1 AND topic = $2 AND partition = $3 AND version = $4 AND epoch = $5 AND position = $7`;
    const values = [reactor.name, at.topic, at.partition, reactor.version, String(epoch), String(to), String(from)];
    await this.#database.transaction(async (run) => {
      const { count } = await run({ name: 'move_reactor', text: move, values });
      if (count !== 1) throw effectStoreErrors.fenced();
      if (effects.length > 0) {
        await run({ name: 'insert_effects', text: insertEffects, values: [reactor.name, at.topic, at.partition, ...newEffectColumns(effects)] });
      }
      if (repeats.length > 0) await run({ name: 'repeat_effects', text: repeatEffects, values: [textArray(repeats)] });
    });
  }

  override async reset(reactor: string, number: number, positions: readonly ReactorStart[]): Promise<void> {
    const text = `
      UPDATE streams.reactor_positions AS mine SET position = start.position, reset = $2, moved_at = clock_timestamp()
      FROM unnest($3::text[], $4::int[], $5::bigint[]) AS start (topic, partition, position)
      WHERE mine.reactor = $1 AND mine.reset < $2 AND mine.topic = start.topic AND mine.partition = start.partition`;
    await this.#database.run({ text, values: [reactor, number, ...startColumns(positions)] });
  }

  override async positions(reactor?: string): Promise<readonly ReactorPosition[]> {
    const text = `
      SELECT reactor, topic, partition, version, position, reset, (extract(epoch FROM moved_at) * 1000)::bigint FROM streams.reactor_positions
      WHERE $1::text IS NULL OR reactor = $1 ORDER BY reactor, topic, partition`;
    const { rows } = await this.#database.read({ name: 'reactor_positions', text, values: [reactor ?? null] });
    return rows.map(([name, topic, partition, version, position, reset, movedAt]) => ({
      reactor: name ?? '',
      topic: topic ?? '',
      partition: Number(partition),
      version: Number(version),
      position: BigInt(position ?? 0),
      reset: Number(reset),
      movedAtMs: Number(movedAt),
    }));
  }

  override async enlist({ laneMax, tenantMax, max, lostAfterMs }: Enlistment): Promise<readonly EnlistedEffect[]> {
    const { rows } = await this.#database.run({ name: 'enlist_effects', text: enlistStatement, values: [laneMax, max, lostAfterMs, tenantMax] });
    return rows.map(([key, kind]) => ({ key: key ?? '', kind: kind ?? '' }));
  }

  override async delist(keys: readonly string[]): Promise<void> {
    await this.#database.read({ text: 'UPDATE streams.effects SET queued_at = NULL WHERE key = ANY ($1::text[])', values: [textArray(keys)] });
  }

  override async take(key: string, owner: string, ttlMs: number): Promise<Effect | undefined> {
    const text = `
      UPDATE streams.effects SET claim = claim + 1, claimed_by = $2, starts = starts + 1,
        claimed_until = clock_timestamp() + $3::double precision * interval '1 ms'
      WHERE key = $1 AND state = 'pending' AND next_try_at <= clock_timestamp()
        AND (claimed_until IS NULL OR claimed_until <= clock_timestamp() OR claimed_by = $2)
      RETURNING ${effectColumns}`;
    const { rows } = await this.#database.run({ name: 'take_effect', text, values: [key, owner, ttlMs] });
    return rows[0] === undefined ? undefined : effectOf(rows[0]);
  }

  override async hold(key: string, claim: bigint, ttlMs: number): Promise<boolean> {
    const text = `
      UPDATE streams.effects SET claimed_until = clock_timestamp() + $3::double precision * interval '1 ms'
      WHERE key = $1 AND claim = $2 AND state = 'pending' AND claimed_until IS NOT NULL`;
    return (await this.#database.run({ name: 'hold_effect', text, values: [key, String(claim), ttlMs] })).count === 1;
  }

  override async settle(settlement: EffectSettlement): Promise<void> {
    const { key, claim, outcome, afterMs = 0, attempt, error, events } = settlement;
    const values = [key, String(claim), outcome === 'again' ? 'pending' : outcome, afterMs, error ?? null, attempt === undefined ? 0 : 1];
    await this.#database.transaction(async (run) => {
      const { rows } = await run({ name: 'settle_effect', text: settleStatement, values });
      if (rows[0] === undefined) throw effectStoreErrors.taken(key);
      if (attempt !== undefined) await writeAttempt(run, key, attempt);
      await putOut(run, events);
    });
  }

  override async show(key: string): Promise<Effect | undefined> {
    const { rows } = await this.#database.read({ name: 'show_effect', text: `SELECT ${effectColumns} FROM streams.effects WHERE key = $1`, values: [key] });
    return rows[0] === undefined ? undefined : effectOf(rows[0]);
  }

  override async list(query: EffectQuery): Promise<readonly Effect[]> {
    const { kind, lane, tenant, states, limit, before } = query;
    const values = [kind ?? null, lane ?? null, tenant ?? null, states === undefined ? null : textArray(states)];
    const { rows } = await this.#database.read({
      text: listStatement,
      values: [...values, before === undefined ? null : String(before.createdAtMs), before?.key ?? '', limit],
    });
    return rows.map(effectOf);
  }

  override async attempts(key: string): Promise<readonly EffectAttempt[]> {
    const text = `
      SELECT * FROM (SELECT ${attemptColumns}, number FROM streams.effect_attempts WHERE key = $1 ORDER BY number DESC LIMIT 100) AS last ORDER BY number`;
    const { rows } = await this.#database.read({ name: 'effect_attempts', text, values: [key] });
    return rows.map(attemptOf);
  }

  override async succeededSince(kind: string, lane: string, sinceMs: number): Promise<boolean> {
    const text = `
      SELECT EXISTS (SELECT FROM streams.effects WHERE kind = $1 AND lane = $2 AND state = 'succeeded' AND ended_at >= to_timestamp($3::double precision / 1000))`;
    const { rows } = await this.#database.read({ text, values: [kind, lane, sinceMs] });
    return rows[0]?.[0] === 't';
  }

  override async backlog(): Promise<readonly EffectBacklog[]> {
    const text = `
      SELECT kind, count(*), (extract(epoch FROM min(created_at)) * 1000)::bigint FROM streams.effects WHERE state = 'pending' GROUP BY kind ORDER BY kind`;
    const { rows } = await this.#database.read({ name: 'effect_backlog', text });
    return rows.map(([kind, pending, oldest]) => ({ kind: kind ?? '', pending: Number(pending), oldestMs: Number(oldest) }));
  }

  override async forget(olderThanMs: number, max: number): Promise<number> {
    const text = `
      DELETE FROM streams.effects WHERE key IN (
        SELECT key FROM streams.effects WHERE state <> 'pending' AND ended_at < clock_timestamp() - $1::double precision * interval '1 ms' ORDER BY ended_at LIMIT $2)`;
    return (await this.#database.run({ text, values: [olderThanMs, max] })).count;
  }
}

function startColumns(starts: readonly ReactorStart[]): readonly string[] {
  return [
    textArray(starts.map(({ topic }) => topic)),
    columnArray(
      'bigint',
      starts.map(({ partition }) => partition),
    ),
    columnArray(
      'bigint',
      starts.map(({ position }) => position),
    ),
  ];
}

async function writeAttempt(run: Run, key: string, { startedAtMs, durationMs, ok, status, detail }: EffectAttempt): Promise<void> {
  const text = `
    INSERT INTO streams.effect_attempts (key, number, started_at, duration_ms, ok, status, detail)
    SELECT $1, coalesce(max(number), 0) + 1, to_timestamp($2::double precision / 1000), $3, $4, $5, $6 FROM streams.effect_attempts WHERE key = $1`;
  await run({ name: 'write_attempt', text, values: [key, startedAtMs, durationMs, ok, status, detail] });
}

/** A topic after the other: each is one step of the outbox's counter. */
async function putOut(run: Run, events: readonly EventEnvelope[]): Promise<void> {
  const topics = new Set(events.map(({ type }) => definitionOf(type)?.context ?? ''));
  for (const topic of topics) {
    const records = events.filter(({ type }) => definitionOf(type)?.context === topic).map(encodeEvent);
    const columns = [
      textArray(records.map(({ key }) => key)),
      textArray(records.map(({ headers }) => JSON.stringify(headers))),
      textArray(records.map(({ value }) => value)),
    ];
    await run({ name: 'put_out', text: 'SELECT streams.put_out($1, $2, $3, $4)', values: [topic, ...columns] });
  }
}
