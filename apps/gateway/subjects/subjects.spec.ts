import { describe, expect, test } from '@jest/globals';
import { isNamedIn } from './named-in-text.ts';
import { eraseSubject, exportSubject } from './subjects.contract.ts';

test.each([
  ['viewer:v-4711', 'v-4711 asked for it', true],
  ['viewer:v-4711', 'asked for by viewer:v-4711', true],
  ['viewer:Ada@Example.com', 'mail of ada@example.COM', true],
  ['viewer:v-4711', 'ticket 4711', false],
  ['viewer:ab', 'ticket of ab, closed', true],
  ['viewer:ab', 'viewer:AB', true],
  ['viewer:ab', 'about a ticket', false],
  ['viewer:ab', 'absent; then ab', true],
  ['viewer:12', 'ticket 312', false],
  ['viewer:a:b:c', 'of a:b:c', true],
  ['address:192.0.2.7', 'who came from 192.0.2.7', true],
  ['address:::ffff:192.0.2.7', 'who came from 192.0.2.7', true],
  ['address:2001:DB8::7', '2001:db8::7 asked', true],
  ['address:192.0.2.7', 'ticket 12', false],
])('%s is named in "%s": %s', (subject, text, isNamed) => {
  expect(isNamedIn(text, subject)).toBe(isNamed);
});

test.each([
  ['address:999.1.1.1', false],
  ['address:1.2.3', false],
  ['address:2001:db8:::7', false],
  ['address:192.0.2.7', true],
  ['address:2001:db8::7', true],
  ['address:::ffff:192.0.2.7', true],
  // As proxies name clients.
  ['address:unknown', true],
  ['address:192.0.2.7:5000', true],
  ['viewer:999.1.1.1', true],
])('%s is taken as a subject: %s', (subject, isTaken) => {
  expect(eraseSubject.body.safeParse({ subject, reason: 'ticket' }).success).toBe(isTaken);
});

describe.each([eraseSubject, exportSubject])('$id', ({ body }) => {
  test('refuses a reason that names whom it is about, without saying the name', () => {
    const { error } = body.safeParse({ subject: 'viewer:v-4711', reason: 'V-4711 asked' });
    expect(error?.issues).toMatchObject([{ path: ['reason'], message: expect.stringContaining('stays in clear') }]);
    expect(JSON.stringify(error?.issues)).not.toMatch(/4711/);
    expect(body.safeParse({ subject: 'viewer:v-4711', reason: 'ticket 12' }).success).toBe(true);
  });
});
