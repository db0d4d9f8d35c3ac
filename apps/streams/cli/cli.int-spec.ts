import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { upcastWithin } from '../parked/upcast-thread.ts';

const main = join(import.meta.dirname, '../main.js');
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'streams-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The real command as a process; nothing of the environment but what a program needs, and no platform anywhere. */
function streams(env: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    env: { PATH: process.env['PATH'], STREAMS_DATA_DIR: join(folder, 'data'), ...env },
    encoding: 'utf8',
  });
  return { code: status, out: stdout, err: stderr };
}

describe('wrong settings', () => {
  const wrong = { EDGE_MEMORY_MB: 'abc', MEDIA_PRESET: 'best', RTMP_PORT: '99999', POSTGRES_PORT: 'http', GRPC_TLS_KEY: '/a.pem', JWT_ISSUER: 'me' };

  test('are all told at once, with their value and what is allowed, before anything is started or made', () => {
    const { code, out, err } = streams(wrong, 'up');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err.trim().split('\n  ')).toEqual([
      '6 settings are wrong:',
      'The setting RTMP_PORT must be a whole number from 0 to 65535, but is "99999".',
      'The setting POSTGRES_PORT must be a whole number from 1 to 65535, but is "http".',
      'The setting GRPC_TLS_CERT is not set, but GRPC_TLS_KEY is: TLS needs both.',
      'The setting JWT_AUDIENCE is not set, but belongs to JWT_ISSUER.',
      expect.stringMatching(/^The setting MEDIA_PRESET must be one of .*veryfast.*, but is "best"\.$/),
      'The setting EDGE_MEMORY_MB must be a whole number from 1 to 1048576, but is "abc".',
    ]);
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });

  test('a single one is a sentence, for the doctor too', () => {
    const sentence = 'The setting EDGE_MEMORY_MB must be a whole number from 1 to 1048576, but is "abc".\n';
    expect(streams({ EDGE_MEMORY_MB: 'abc' }, 'up')).toEqual({ code: 2, out: '', err: sentence });
    const { code, err } = streams({ EDGE_MEMORY_MB: 'abc' }, 'doctor', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(err)).toEqual({ error: { code: 'usage', message: sentence.trim(), exitCode: 2 } });
  });
});

describe('a failure with --json', () => {
  const failure = (env: Readonly<Record<string, string>>, ...args: readonly string[]): unknown => {
    const { code, out, err } = streams(env, ...args, '--json');
    expect(out).toBe('');
    return { code, ...(JSON.parse(err) as object) };
  };

  test('is a document on standard error: nobody answers', () => {
    expect(failure({ STREAMS_URL: 'http://127.0.0.1:1' }, 'stream', 'list')).toMatchObject({
      code: 3,
      error: { code: 'unreachable', message: expect.stringContaining('cannot be reached'), exitCode: 3 },
    });
  });

  test.each([
    ['an unknown command', ['nonsense'], "unknown command 'nonsense'"],
    ['an unknown command of a group', ['stream', 'pause'], "unknown command 'pause'"],
    ['no command of a group', ['stream'], 'A command is missing; --help lists them.'],
    ['an unknown option', ['stream', 'list', '--colour'], "unknown option '--colour'"],
    ['a value that is none', ['stream', 'list', '--limit', 'many'], expect.stringContaining('It must be a whole number.')],
    ['an argument that is missing', ['stream', 'show'], "missing required argument 'id'"],
  ])('is a document: %s', (_what, args, message) => {
    expect(failure({}, ...args)).toEqual({ code: 2, error: { code: 'usage', message, exitCode: 2 } });
  });

  test('is a document with the code and the fields of the gateway', async () => {
    const gateway = createServer((_request, response) => {
      const problem = {
        type: 'urn:streams:problem:validation-failed',
        detail: 'A field is wrong.',
        errors: [{ field: 'body.name', message: 'It is missing.' }],
      };
      response.writeHead(400, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
    }).listen(0, '127.0.0.1');
    await once(gateway, 'listening');
    const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
    const run = promisify(execFile)(process.execPath, [main, 'stream', 'start', 'x', '--json', '--url', url], {
      env: { PATH: process.env['PATH'], STREAMS_DATA_DIR: join(folder, 'data') },
    });
    const { code, stderr } = await run.then(
      () => ({ code: 0, stderr: '' }),
      (error: { code: number; stderr: string }) => error,
    );
    gateway.close();
    expect(code).toBe(1);
    expect(JSON.parse(stderr)).toEqual({
      error: {
        code: 'validation-failed',
        message: 'A field is wrong.\n  body.name: It is missing.',
        exitCode: 1,
        status: 400,
        errors: [{ field: 'body.name', message: 'It is missing.' }],
      },
    });
  });
});

test('an answer that is larger than a pipe arrives whole at a reader that is late', async () => {
  const items = Array.from({ length: 3000 }, (_, at) => ({ id: `st-${at}`, name: 'x'.repeat(100), status: 'created' }));
  const gateway = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ items, nextCursor: null }));
  }).listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  const line = '"$0" "$1" stream list --json --key a-key --url "$2" | { sleep 1; cat; }';
  const { stdout } = await promisify(execFile)('sh', ['-c', line, process.execPath, main, url], { env: { PATH: process.env['PATH'] }, maxBuffer: 1e7 });
  gateway.close();
  expect((JSON.parse(stdout) as { items: unknown[] }).items).toHaveLength(items.length);
});

test.each([
  ['one answer', ['stream', 'list', '--json', '--limit', '3000']],
  ['a document that comes in parts', ['subject', 'export', 'viewer:v-1', '--reason', 'ticket']],
])('a reader that has enough ends it without a word, as it ends other tools: %s', async (_what, args) => {
  const items = Array.from({ length: 3000 }, (_, at) => ({ id: `st-${at}`, name: 'x'.repeat(100), status: 'created' }));
  const gateway = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ items, nextCursor: null }));
  }).listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  const line = '{ "$@"; echo "ended with $?" >&2; } | head -c 10 >/dev/null';
  const { stderr } = await promisify(execFile)('sh', ['-c', line, 'sh', process.execPath, main, ...args, '--key', 'a-key', '--url', url], {
    env: { PATH: process.env['PATH'] },
  });
  gateway.close();
  expect(stderr).toBe('ended with 141\n');
});

test('a retry that fails again ends, also of what nobody can read: each reader counts its own tries', async () => {
  const parked = { id: 'pk-content-3-7-all', consumer: '*', attempts: 1, message: 'data.url: It is missing.', held: 0 };
  let said: object = { state: 'parked', stateAt: '2026-11-26T20:00:00.000Z', stateNote: '' };
  const gateway = createServer((request, response) => {
    if (request.method === 'POST') said = { state: 'parked', stateAt: '2026-11-26T20:00:01.000Z', stateNote: 'EVENT_DATA_INVALID: still missing' };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...parked, ...said }));
  }).listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  const run = promisify(execFile)(process.execPath, [main, 'parked', 'retry', parked.id, '--url', url, '--key', 'a-key'], {
    env: { PATH: process.env['PATH'] },
  });
  await expect(run).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('failed again and stays parked: EVENT_DATA_INVALID: still missing') });
  gateway.close();
});

test('the doctor asks with the key of STREAMS_KEY, where there is no key file', async () => {
  const gateway = createServer((request, response) => {
    const isViewer = request.headers.authorization === 'Bearer sk_that-views';
    if (isViewer && request.url === '/api/v1/subjects/keys')
      return void response
        .writeHead(403, { 'content-type': 'application/problem+json' })
        .end(JSON.stringify({ detail: 'This needs a key with the scope admin.' }));
    const isKnown = isViewer || request.headers.authorization === 'Bearer sk_of-the-environment';
    const answer = request.url === '/api/v1/cdn/health' ? { status: 'up', edges: [] } : { kept: [] };
    response
      .writeHead(isKnown ? 200 : 401, { 'content-type': isKnown ? 'application/json' : 'application/problem+json' })
      .end(JSON.stringify(isKnown ? answer : { detail: 'Who is it?' }));
  }).listen(0, '127.0.0.1');
  await once(gateway, 'listening');
  const env = { PATH: process.env['PATH'], STREAMS_DATA_DIR: join(folder, 'data'), GATEWAY_PORT: String((gateway.address() as AddressInfo).port) };
  const examined = async (key: string): Promise<unknown> => {
    const run = promisify(execFile)(process.execPath, [main, 'doctor', '--json'], { env: { ...env, STREAMS_KEY: key } });
    // What else it finds on this machine is not asked here.
    const { stdout } = await run.catch((failure: { stdout: string }) => failure);
    const findings = JSON.parse(stdout) as ReadonlyArray<{ check: string; status: string }>;
    return Object.fromEntries(findings.map(({ check, status }) => [check, status]));
  };
  expect(await examined('sk_of-the-environment')).toMatchObject({ platform: 'ok', regions: 'ok' });
  expect(await examined('sk_another')).toMatchObject({ platform: 'problem', regions: 'problem' });
  // That a key may not see something is no fault of what is there.
  expect(await examined('sk_that-views')).toMatchObject({ platform: 'ok', regions: 'not-checked' });
  gateway.close();
});

test.each([
  ['export default (data) => ({ ...data, more: 1 });', { data: { a: 1, more: 1 } }],
  ['export default () => { for (;;); };', { problem: 'it has not come to an end within 1 s' }],
  ['export default (data => data;', { problem: expect.stringMatching(/^SyntaxError: /) }],
  ['export const other = 1;', { problem: expect.stringContaining('must export a function') }],
])('an upcaster is tried in a thread that is ended: %s', async (text, outcome) => {
  const file = join(mkdtempSync(join(folder, 'upcast-')), 'upcaster.mjs');
  writeFileSync(file, text);
  const order = { url: pathToFileURL(file).href, data: { a: 1 }, about: { type: 'edge.reported', version: 1 } };
  expect(await upcastWithin(order, 1000)).toEqual(outcome);
});

test.each([
  [['audit', 'prove', ''], 'It must be the id of an event, or a place such as stream/3/1041.'],
  [['audit', 'prove', 'stream/3'], 'It must be the id of an event, or a place such as stream/3/1041.'],
  [['audit', 'prove', 'e-1', '--trust', 'garbage'], '"garbage" is no verifier key of Ed25519.'],
  [['audit', 'verify', '--witness', 'garbage'], '"garbage" is no verifier key of Ed25519.'],
  [['audit', 'verify', '--log'], 'name it with --offline'],
  [['audit', 'verify', '--offline', '/nonexist'], '/nonexist is no bundle of the audit ledger'],
  [['audit', 'export', import.meta.dirname], 'is not empty'],
  [['subject', 'export', 'viewer', '--reason', 'ticket'], 'It must be a kind and a name, such as viewer:v-4711'],
  [['subject', 'erase', 'viewer:', '--reason', 'ticket'], 'It must be a kind and a name, such as viewer:v-4711'],
])('wrong usage is told before anybody is asked, with 2: %j', (args, said) => {
  const { code, err } = streams({ STREAMS_URL: 'http://127.0.0.1:1' }, ...args, '--key', 'a-key');
  expect([code, err]).toEqual([2, expect.stringContaining(said)]);
});

test('an expression that is too long is refused before anybody is asked', () => {
  const { code, err } = streams({ STREAMS_URL: 'http://127.0.0.1:1' }, 'events', 'search', '--where', 'x'.repeat(1001), '--key', 'a-key');
  expect([code, err]).toEqual([2, expect.stringContaining('--where: An expression may have 1000 characters.')]);
});

describe('a command that does not exist', () => {
  test.each([
    [['nonsense'], /^error: unknown command 'nonsense'\n\(streams --help tells more\)\nThere are: .*stream, .*\.\n$/],
    [['key', 'lost'], /^error: unknown command 'lost'\n\(Did you mean list\?\)\n\(streams key --help tells more\)\nThere are: .*revoke.*\.\n$/],
    [['stream', 'strat'], /\(Did you mean start\?\)/],
  ])('%j is told with the nearest one, those that there are, and where help is', (args, said) => {
    const { code, out, err } = streams({}, ...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(said);
    expect(err).not.toContain('Usage:');
  });

  test('a group without a verb is answered with its help and 2', () => {
    const { code, err } = streams({}, 'tenant');
    expect([code, err]).toEqual([2, expect.stringContaining('Usage: streams tenant [options] [command]')]);
  });
});
