import { describe, expect, test } from '@jest/globals';
import { emptyWebhook, registrationOf, standingOf, wishesOf } from './webhooks.ts';

describe('a webhook', () => {
  test('is registered with what was filled in', () => {
    expect(registrationOf({ ...emptyWebhook, url: ' https://a.example/hook ' })).toEqual({ url: 'https://a.example/hook' });
    const draft = { url: 'https://a', description: 'billing', contexts: ['stream'], types: 'stream.stopped, ,segment.produced', subject: 'st-1' };
    expect(registrationOf(draft)).toEqual({ ...draft, types: ['stream.stopped', 'segment.produced'] });
  });

  test.each([
    [{ contexts: null, types: null, subject: null }, 'every event'],
    [{ contexts: ['stream', 'cache'], types: null, subject: 'st-1' }, 'of stream, cache about st-1'],
    [{ contexts: null, types: ['stream.stopped'], subject: null }, 'stream.stopped'],
  ])('with %j wants %s', (wishes, words) => {
    expect(wishesOf(wishes)).toBe(words);
  });

  test.each([
    ['enabled', null, 'enabled'],
    ['disabled', null, 'disabled'],
    ['disabled', 'gone', 'disabled: it answered 410 (gone)'],
  ] as const)('that is %s because of %s is %s', (status, disabledBecause, words) => {
    expect(standingOf({ status, disabledBecause })).toBe(words);
  });
});
