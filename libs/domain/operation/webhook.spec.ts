import { describe, expect, test } from '@jest/globals';
import {
  effectFailed,
  effectRetryRequested,
  effectSucceeded,
  ledgerKeyRotated,
  reactorReset,
  segmentProduced,
  streamStopped,
  webhookChanged,
  webhookDisabled,
  webhookRegistered,
  webhookRemoved,
  webhookSecretRotated,
  webhookTestRequested,
  type DomainEvent,
} from '#events';
import { foldChanges, type RowChange } from '#kernel';
import { effectRetryDecider, reactorDecider } from './effect.decider.ts';
import { effectsProjection } from './effect.projection.ts';
import { operationAggregate } from './operation-aggregate.ts';
import { webhooksProjection } from './webhook.projection.ts';
import { webhookDecider, type WebhookCommand, type WebhookDraft, type WebhookState } from './webhook.decider.ts';
import { webhookUrlFault } from './webhook-url.core.ts';
import { webhooksReactor, type WantedBy } from './webhooks-reactor.ts';

const settings = { url: 'https://example.com/hook', description: 'billing', contexts: null, types: null, subject: null } as const;
const register: WebhookCommand = { type: 'RegisterWebhook', webhookId: 'wh-1', nowMs: 1000, ...settings };
const remove: WebhookCommand = { type: 'RemoveWebhook', reason: 'moved' };
const rotate: WebhookCommand = { type: 'RotateWebhookSecret', nowMs: 2000, overlapMs: 500, reason: 'leaked' };
const disable: WebhookCommand = { type: 'DisableWebhook', reason: 'gone', detail: 'HTTP 410' };
const testIt: WebhookCommand = { type: 'TestWebhook' };
const enable: WebhookCommand = { type: 'ChangeWebhook', change: {}, enabled: true, reason: '' };

/** Gives commands in order; what the last one caused or was refused for, and the state after all. */
function after(...commands: readonly WebhookCommand[]): { state: WebhookState; events: readonly WebhookDraft[]; refusal: string | undefined } {
  let state: WebhookState = webhookDecider.initialState;
  let last: { events: readonly WebhookDraft[]; refusal: string | undefined } = { events: [], refusal: undefined };
  for (const command of commands) {
    const decision = webhookDecider.decide(command, state);
    last = { events: decision.events, refusal: decision.refused ? decision.code : undefined };
    if (!decision.refused) state = decision.events.reduce((at, event) => webhookDecider.evolve(at, event), state);
  }
  return { state, ...last };
}

describe('a webhook', () => {
  test('is registered enabled, with its first secret', () => {
    const { state, events } = after(register);
    expect(events).toEqual([webhookRegistered.draft({ webhookId: 'wh-1', ...settings, registeredAtMs: 1000 })]);
    expect(state).toMatchObject({ kind: 'webhook', webhook: 'enabled', secretNumber: 1, registeredAtMs: 1000 });
  });

  test('changes what is said, and nothing when nothing is', () => {
    const changed = after(register, { type: 'ChangeWebhook', change: { types: ['stream.stopped'], description: undefined } as never, reason: 'too much' });
    expect(changed.events).toEqual([webhookChanged.draft({ webhookId: 'wh-1', ...settings, types: ['stream.stopped'], enabled: true, reason: 'too much' })]);
    expect(after(register, { type: 'ChangeWebhook', change: { url: settings.url }, reason: 'why not' }).events).toEqual([]);
    expect(after(register, { type: 'ChangeWebhook', change: { url: 'ftp://x' }, reason: '' }).refusal).toBe('invalid-url');
  });

  test('rotates its secret with an overlap', () => {
    const { state, events } = after(register, rotate);
    expect(events).toEqual([webhookSecretRotated.draft({ webhookId: 'wh-1', number: 2, previousUntilMs: 2500, reason: 'leaked' })]);
    expect(state).toMatchObject({ secretNumber: 2, previousUntilMs: 2500 });
  });

  test('is disabled by the platform once, and enabled by its owner', () => {
    expect(after(register, disable).events).toEqual([webhookDisabled.draft({ webhookId: 'wh-1', reason: 'gone', detail: 'HTTP 410' })]);
    expect(after(register, disable, disable).events).toEqual([]);
    expect(after(register, disable).state).toMatchObject({ webhook: 'disabled', disabledBecause: 'gone' });
    expect(after(register, disable, testIt).refusal).toBe('webhook-disabled');
    expect(after(register, disable, enable).state).toMatchObject({ webhook: 'enabled', disabledBecause: null });
    expect(after(register, { ...enable, enabled: false }).state).toMatchObject({ webhook: 'disabled', disabledBecause: 'owner' });
    expect(after(register, disable, { ...enable, enabled: false }).state).toMatchObject({ disabledBecause: 'gone' });
  });

  test('is tested as often as somebody likes', () => {
    expect(after(register, testIt, testIt).events).toEqual([webhookTestRequested.draft({ webhookId: 'wh-1', number: 2 })]);
  });

  test('is gone when it is removed, and was not there before', () => {
    expect(after(register, remove).events).toEqual([webhookRemoved.draft({ webhookId: 'wh-1', reason: 'moved' })]);
    expect(after(register, remove, remove).refusal).toBe('unknown-webhook');
    for (const command of [remove, rotate, disable, testIt, enable]) expect(after(command).refusal).toBe('unknown-webhook');
    expect(after(register, register).refusal).toBe('webhook-taken');
  });

  test.each([
    ['https://example.com/hook?x=1', undefined],
    ['http://10.0.0.1:8080', undefined],
    ['example.com', 'Expected a URL'],
    ['ftp://example.com', 'Expected https://'],
    ['https://me:secret@example.com', 'no name and password'],
    ['https://example.com/#x', 'no "#"'],
    [`https://example.com/${'x'.repeat(2048)}`, 'at most 2048'],
  ])('%s: %s', (url, fault) => {
    if (fault === undefined) expect(webhookUrlFault(url)).toBeUndefined();
    else expect(webhookUrlFault(url)).toContain(fault);
  });
});

describe('the reactor of webhooks', () => {
  const event = (type: string, subject: string, data: object = {}): DomainEvent => ({ type, subject, tenant: 'acme', data }) as DomainEvent;
  const wanted = (more: Partial<WantedBy['webhook']> = {}, tenant = 'acme'): WantedBy => ({
    tenant,
    webhook: { webhookId: 'wh-1', contexts: null, types: null, subject: null, registeredAtMs: 1000, ...more },
  });
  const lanes = (one: DomainEvent, known: readonly WantedBy[], recordedAtMs = 1000): readonly string[] =>
    webhooksReactor.react({ event: one, recordedAtMs }, known).map((answer) => ('lane' in answer ? answer.lane : ''));
  const stopped = event(streamStopped.type, 'st-1');
  const segment = event(segmentProduced.type, 'st-1/720p');

  test('names the webhook and nothing of the event: that stays on the log', () => {
    expect(webhooksReactor.react({ event: stopped, recordedAtMs: 1000 }, [wanted()])).toEqual([
      { kind: 'webhook-delivery', lane: 'wh-1', payload: { webhookId: 'wh-1' } },
    ]);
  });

  test.each([
    ['all there is', {}, [1, 1]],
    ['a context', { contexts: ['stream'] as const }, [1, 1]],
    ['another context', { contexts: ['edge'] as const }, [0, 0]],
    ['a type', { types: [streamStopped.type] }, [1, 0]],
    ['a subject and what is under it', { subject: 'st-1' }, [1, 1]],
    ['a subject alone', { subject: 'st-1/720p' }, [0, 1]],
    ['a subject that only begins alike', { subject: 'st' }, [0, 0]],
    ['what comes after its registration', { registeredAtMs: 1001 }, [0, 0]],
  ])('%s', (_, more, [first, second]) => {
    expect([lanes(stopped, [wanted(more)]).length, lanes(segment, [wanted(more)]).length]).toEqual([first, second]);
  });

  test('an event is for webhooks of its own tenant, a test for the one that is tested, an outcome for none', () => {
    expect(lanes(stopped, [wanted({}, 'other'), wanted({ webhookId: 'wh-2' })])).toEqual(['wh-2']);
    const tested = event(webhookTestRequested.type, 'wh-2', { webhookId: 'wh-2' });
    expect(lanes(tested, [wanted({ types: ['x'] }), wanted({ webhookId: 'wh-2', types: ['x'] })])).toEqual(['wh-2']);
    expect(webhooksReactor.handles).not.toContain(effectSucceeded.type);
  });
});

test('a reset counts, and an effect is asked for as often as somebody likes', () => {
  const before = { number: 3, from: 'end', fromMs: null } as const;
  const order = (from: 'end' | number) => ({ type: 'ResetReactor', reactor: 'webhooks', from, reason: 'why' }) as const;
  const [event] = reactorDecider.decide(order(17), before).events;
  expect(event?.data).toEqual({ reactor: 'webhooks', number: 4, from: 'time', fromMs: 17, reason: 'why' });
  expect(reactorDecider.decide(order('end'), before).events[0]?.data).toMatchObject({ from: 'end', fromMs: null });
  expect(event === undefined ? undefined : reactorDecider.evolve(before, event)).toEqual({ number: 4, from: 'time', fromMs: 17 });
  const retry = effectRetryDecider.decide({ type: 'RequestEffectRetry', effectKey: 'ef-1', reason: '' }, { retries: 0 }).events[0];
  expect(retry === undefined ? undefined : effectRetryDecider.evolve({ retries: 0 }, retry)).toEqual({ retries: 1 });
});

describe('read models and heads', () => {
  const told = (definition: { readonly type: string }, data: object, more: object = {}): DomainEvent =>
    ({ type: definition.type, data, subject: 'wh-1', tenant: 'acme', actor: 'key:k-1', causationId: 'e-1', time: 5, streamVersion: 2n, ...more }) as never;
  const rowsOf = (projection: typeof webhooksProjection, ...events: readonly DomainEvent[]): readonly RowChange['set'][] =>
    foldChanges(
      projection.tables,
      events.flatMap((event) => projection.project(event)),
    ).map(({ set }) => set);

  test('a webhook has one row, whatever happens to it', () => {
    const data = { webhookId: 'wh-1', ...settings, registeredAtMs: 1000 };
    const events = [
      told(webhookRegistered, data, { streamVersion: 1n }),
      told(webhookChanged, { webhookId: 'wh-1', ...settings, description: 'new', enabled: false }),
      told(webhookSecretRotated, { webhookId: 'wh-1', number: 2, previousUntilMs: 9 }, { streamVersion: 3n }),
      told(webhookTestRequested, { webhookId: 'wh-1', number: 1 }, { streamVersion: 4n }),
      told(webhookDisabled, { webhookId: 'wh-1', reason: 'gone', detail: 'HTTP 410' }, { streamVersion: 5n }),
    ];
    expect(rowsOf(webhooksProjection, ...events)).toMatchObject([
      { description: 'new', status: 'disabled', status_reason: 'gone: HTTP 410', secret_number: 2 },
    ]);
    expect(rowsOf(webhooksProjection, ...events, told(webhookRemoved, { webhookId: 'wh-1', reason: 'moved' }, { streamVersion: 6n }))).toMatchObject([
      { status: 'removed', tested_at_ms: 5n },
    ]);
    expect(webhooksProjection.project(told(streamStopped, {}))).toEqual([]);
  });

  test('an effect shows its last round, and who asked for it; a reset has a row of its own', () => {
    const about = { effectKey: 'ef-1', reactor: 'webhooks', kind: 'webhook-delivery', lane: 'wh-1', attempts: 3 };
    const rows = rowsOf(
      effectsProjection,
      told(effectFailed, { ...about, round: 0, message: 'no' }),
      told(effectSucceeded, { ...about, round: 1 }),
      told(effectRetryRequested, { effectKey: 'ef-1', reason: 'again' }),
      told(reactorReset, { reactor: 'webhooks', number: 1, from: 'time', fromMs: 17, reason: 'why' }),
    );
    expect(rows).toMatchObject([
      { outcome: 'succeeded', message: null, retry_reason: 'again', cause_id: 'e-1' },
      { from_place: '17', reason: 'why' },
    ]);
    expect(effectsProjection.project(told(streamStopped, {}))).toEqual([]);
  });

  test('a head folds by the kind of its first event', () => {
    const heads = [
      [webhookRegistered.draft({ webhookId: 'wh-1', ...settings, registeredAtMs: 1 }), { webhook: 'enabled' }],
      [reactorReset.draft({ reactor: 'webhooks', number: 1, from: 'end', fromMs: null, reason: 'x' }), { number: 1, from: 'end' }],
      [effectRetryRequested.draft({ effectKey: 'ef-1', reason: '' }), { retries: 1 }],
      [ledgerKeyRotated.draft({ number: 2, reason: 'x' }), { number: 2 }],
    ] as const;
    for (const [event, state] of heads) expect(operationAggregate.decider.evolve(undefined, event)).toMatchObject(state);
  });
});
