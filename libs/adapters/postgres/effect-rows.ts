import type { Effect, EffectAttempt, NewEffect } from '#ports';
import { columnArray, textArray } from './array-literal.ts';
import type { TextRow } from './database.ts';

const ms = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::bigint`;

/** In the order that {@link effectOf} reads. */
export const effectColumns = `key, reactor, kind, lane, payload, intent_index, event_id, event_type, correlation_id, traceparent, tenant, topic, partition,
  event_offset, state, attempts, starts, round, claim, last_error, ${ms('next_try_at')}, ${ms('created_at')}, ${ms('ended_at')}`;

export function effectOf(row: TextRow): Effect {
  const text = (at: number): string => row[at] ?? '';
  const ended = row[22];
  return {
    key: text(0),
    reactor: text(1),
    kind: text(2),
    lane: text(3),
    payload: JSON.parse(text(4)) as Effect['payload'],
    index: Number(row[5]),
    eventId: text(6),
    eventType: text(7),
    correlationId: text(8),
    traceparent: text(9),
    tenant: text(10),
    topic: text(11),
    partition: Number(row[12]),
    offset: BigInt(row[13] ?? 0),
    state: text(14) as Effect['state'],
    attempts: Number(row[15]),
    starts: Number(row[16]),
    round: Number(row[17]),
    claim: BigInt(row[18] ?? 0),
    lastError: row[19] ?? null,
    nextTryAtMs: Number(row[20]),
    createdAtMs: Number(row[21]),
    endedAtMs: ended === null || ended === undefined ? null : Number(ended),
  };
}

export const attemptColumns = `${ms('started_at')}, duration_ms, ok, status, detail`;

export function attemptOf([startedAt, duration, ok, status, detail]: TextRow): EffectAttempt {
  return {
    startedAtMs: Number(startedAt),
    durationMs: Number(duration),
    ok: ok === 't',
    status: status === null || status === undefined ? null : Number(status),
    detail: detail ?? '',
  };
}

/** New effects as columns, in the order of `insertEffects`. */
export function newEffectColumns(effects: readonly NewEffect[]): readonly string[] {
  const texts = (of: (effect: NewEffect) => string): string => textArray(effects.map(of));
  const numbers = (of: (effect: NewEffect) => number | bigint): string => columnArray('bigint', effects.map(of));
  return [
    texts(({ key }) => key),
    texts(({ kind }) => kind),
    texts(({ lane }) => lane),
    texts(({ payload }) => JSON.stringify(payload)),
    numbers(({ index }) => index),
    texts(({ eventId }) => eventId),
    texts(({ eventType }) => eventType),
    texts(({ correlationId }) => correlationId),
    texts(({ traceparent }) => traceparent),
    texts(({ tenant }) => tenant),
    numbers(({ offset }) => offset),
  ];
}
