import {
  checkData,
  definitionOf,
  effectSucceeded,
  keyIssued,
  masterKeyGivenUp,
  masterKeyRotated,
  playbackStarted,
  streamStarted,
  subjectErased,
  subjectExported,
  type DomainEvent,
  type EventDefinition,
} from '#events';
import { ChangeFold, type Intent } from '#kernel';
import { describe, expect, test } from '@jest/globals';
import { accessAggregate } from './access-aggregate.ts';
import { erasuresReactor } from './erasures-reactor.ts';
import { subjectDecider, type SubjectCommand, type SubjectState } from './subject.decider.ts';
import { personalPlaceTable, subjectActionTable, subjectsProjection } from './subject.projection.ts';

const subject = 's'.repeat(22);
const [first, second] = ['a'.repeat(22), 'b'.repeat(22)];
const erase = (...keyIds: string[]): SubjectCommand => ({ type: 'EraseSubject', subject, tenant: 'acme', keyIds, reason: 'asked for it' });
const after = (...commands: SubjectCommand[]): SubjectState =>
  commands.reduce((state, command) => subjectDecider.decide(command, state).events.reduce(subjectDecider.evolve, state), subjectDecider.initialState);

describe('a data subject', () => {
  test('is erased with the keys that it has', () => {
    expect(subjectDecider.decide(erase(first), after())).toMatchObject({ refused: false, events: [{ type: subjectErased.type, data: { keyIds: [first] } }] });
  });

  test('is erased once, by whoever comes first; what came back since is erased anew', () => {
    expect(subjectDecider.decide(erase(first), after(erase(first)))).toEqual({ refused: false, events: [] });
    expect(subjectDecider.decide(erase(first, second), after(erase(first)))).toMatchObject({ events: [{ data: { keyIds: [second] } }] });
  });

  test('has every export on record, and nothing without a reason', () => {
    const told = { ...erase(first), type: 'ExportSubject' } as SubjectCommand;
    expect(subjectDecider.decide(told, after(told))).toMatchObject({ events: [{ type: subjectExported.type }] });
    expect(subjectDecider.decide({ ...told, reason: ' ' }, after())).toMatchObject({ refused: true, code: 'reason-missing' });
  });

  test('a new master key is on record with what was put under it', () => {
    const rotate: SubjectCommand = { type: 'RotateMasterKey', masterId: 'mk-1', rewrapped: 3, reason: 'yearly' };
    expect(subjectDecider.decide(rotate, after())).toMatchObject({ events: [{ type: masterKeyRotated.type, data: { rewrapped: 3 } }] });
  });

  test('a master key that is lost is on record with the keys that went with it', () => {
    const giveUp: SubjectCommand = { type: 'GiveUpMasterKey', masterId: 'mk-1', keyIds: [first, second], reason: 'the disk broke' };
    expect(subjectDecider.decide(giveUp, after())).toMatchObject({ events: [{ type: masterKeyGivenUp.type, data: { keyIds: [first, second] } }] });
    expect(subjectDecider.decide({ ...giveUp, reason: '' }, after())).toMatchObject({ refused: true, code: 'reason-missing' });
  });

  test('is folded from the log among the other aggregates of its topic', () => {
    const { initialState, evolve } = accessAggregate.decider;
    const erased = subjectErased.draft({ subject, keyIds: [first], reason: '' });
    expect(evolve(evolve(initialState, erased), subjectErased.draft({ subject, keyIds: [second], reason: '' }))).toEqual({ erased: [first, second] });
  });
});

describe('the subjects projection', () => {
  const sealed = (keyId: string, place = '*') => `sealed:v1:${keyId}:${place}:${'x'.repeat(44)}`;
  const event = (type: string, time: number, data: object) =>
    ({ id: `e-${time}`, type, time, data, tenant: 'acme', actor: 'key:k-1' }) as unknown as DomainEvent;
  const watched = (time: number, keyId: string) =>
    event(playbackStarted.type, time, { sessionId: `ps-${time}`, viewer: sealed(keyId), player: sealed(keyId, 'p'.repeat(11)) });
  const rowsOf = (changes: ReturnType<typeof subjectsProjection.project>) => {
    const fold = new ChangeFold(subjectsProjection.tables);
    for (const change of changes) fold.add(change);
    return fold.changes().map(({ key, set }) => ({ ...key, ...set }));
  };

  test('knows between which times of record a topic has values of a key, and nothing of events that name nobody', () => {
    const clear = event(playbackStarted.type, 5, { sessionId: 'ps-5', player: 'hls.js' });
    const changes = [watched(1, first), watched(2, second), watched(3, first), clear].flatMap((each) => subjectsProjection.project(each, each.time * 10));
    expect(rowsOf(changes)).toEqual([
      { key_id: first, topic: 'playback', tenant: 'acme', first_at_ms: 10n, last_at_ms: 30n },
      { key_id: second, topic: 'playback', tenant: 'acme', first_at_ms: 20n, last_at_ms: 20n },
    ]);
  });

  test('has what was done about a subject, and says nothing of other events', () => {
    const done = event(subjectErased.type, 7, { subject, keyIds: [first], reason: 'asked for it' });
    const row = { event_id: 'e-7', tenant: 'acme', action: 'erased', subject, reason: 'asked for it', actor: 'key:k-1', at_ms: 7n };
    expect(rowsOf([...subjectsProjection.project(done, 8)])).toEqual([row]);
    expect(subjectsProjection.project(event(masterKeyRotated.type, 9, { masterId: 'mk', rewrapped: 1, reason: 'r' }))).toMatchObject([
      { set: { subject: null } },
    ]);
    expect(subjectsProjection.project(event(keyIssued.type, 9, keyIssued.samples[2] as object))).toEqual([]);
    expect(subjectsProjection.project(event('nothing.known', 9, {}))).toEqual([]);
  });

  test('reads every event with personal fields', () => {
    for (const definition of [streamStarted, playbackStarted]) expect(subjectsProjection.handles).toContain(definition.type);
    expect(subjectsProjection.ignores).toContain(keyIssued.type);
    expect(
      [...subjectsProjection.handles, ...subjectsProjection.ignores].every((type) => subjectsProjection.contexts.includes(definitionOf(type)?.context ?? '')),
    ).toBe(true);
    expect([personalPlaceTable.name, subjectActionTable.name]).toEqual(subjectsProjection.tables.map(({ name }) => name));
  });
});

describe('the erasures reactor', () => {
  const effect = { effectKey: 'ef-1', reactor: 'erasures', kind: 'subject-erasure', attempts: 1, round: 0 };

  test.each(['-', '_', 'a'])('orders an erasure on a lane that can be put on record, when the subject begins with %s', (first) => {
    const data = { subject: first.padEnd(22, 'x'), keyIds: [], reason: 'asked for it', shared: 's'.repeat(22), check: 'c'.repeat(22), ofTenant: null };
    const event = { id: 'e-1', type: subjectErased.type, time: 7, tenant: 'acme', origin: 'north', data } as unknown as DomainEvent;
    const [intent] = erasuresReactor.react({ event, recordedAtMs: 8 }, undefined);
    expect(intent).toMatchObject({ payload: { ...data, tenant: 'acme', erasedAtMs: 7, origin: 'north' } });
    const told = { ...effect, lane: (intent as Intent).lane };
    expect(checkData(definitionOf(effectSucceeded.type) as EventDefinition, told)).toEqual(told);
  });
});
