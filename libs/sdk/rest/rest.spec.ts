import { describe, expect, test } from '@jest/globals';
import { connect, StreamsError } from '../index.ts';
import { sent } from '../testing/scripted-transport.ts';
import { retryAfterOf } from './problem.ts';

interface Request {
  readonly url: string;
  readonly init: RequestInit;
}

/** `fetch` that answers what is written down. */
function scripted(...answers: Array<() => Response>): { fetch: typeof fetch; requests: Request[] } {
  const requests: Request[] = [];
  const answer: typeof fetch = async (url, init = {}) => {
    requests.push({ url: String(url), init });
    await Promise.resolve();
    return answers.shift()?.() ?? Response.json({ events: [{ topic: 'content', partition: 2, offset: '5', duplicate: true }] });
  };
  return { fetch: answer, requests };
}

const problem =
  (status: number, document: object, headers: Record<string, string> = {}) =>
  () =>
    Response.json(document, { status, headers });
const stream =
  (...chunks: string[]) =>
  () =>
    new Response(new Blob(chunks).stream());
const withdraw = ['content.withdrawn', { contentId: 'c' }] as const;

describe('publishing by REST', () => {
  test('sends CloudEvents in a batch, with the key, and reads the places', async () => {
    const { fetch, requests } = scripted();
    const streams = connect({ url: 'http://gateway/', key: 'k', fetch, source: '/cms' });
    expect(await streams.publish(...withdraw, { id: 'a', time: 0 })).toEqual({
      accepted: true,
      id: 'a',
      topic: 'content',
      partition: 2,
      offset: 5n,
      duplicate: true,
    });
    expect(requests[0]).toMatchObject({ url: 'http://gateway/api/v1/events', init: { method: 'POST', headers: { authorization: 'Bearer k' } } });
    expect(JSON.parse(requests[0]?.init.body as string)).toEqual([
      {
        specversion: '1.0',
        id: 'a',
        source: '/cms',
        type: 'content.withdrawn',
        time: '1970-01-01T00:00:00.000Z',
        dataschema: 'urn:streams:event:content.withdrawn:1',
        data: { contentId: 'c' },
      },
    ]);
  });

  test('goes on without what is at fault', async () => {
    const faults = [{ index: 1, code: 'EVENT_ID_CONFLICT', field: 'id', message: 'There is another.' }];
    const two = { events: Array.from({ length: 2 }, () => ({ topic: 'content', partition: 0, offset: '1', duplicate: false })) };
    const { fetch, requests } = scripted(problem(409, { detail: 'no', events: faults }), () => Response.json(two));
    const events = ['a', 'b', 'c'].map((id) => ({ type: 'content.withdrawn', data: { contentId: 'c' }, id }) as const);
    const results = await connect({ url: 'http://gateway', key: 'k', fetch }).publishAll(events);
    expect(results).toMatchObject([{ accepted: true }, { accepted: false, code: 'EVENT_ID_CONFLICT', field: 'id' }, { accepted: true }]);
    expect((JSON.parse(requests[1]?.init.body as string) as Array<{ id: string }>).map(({ id }) => id)).toEqual(['a', 'c']);
  });

  test.each<[string, () => Response, string, boolean]>([
    ['401', problem(401, { detail: 'who' }), 'UNAUTHENTICATED', false],
    ['403', problem(403, { detail: 'no' }), 'FORBIDDEN', false],
    ['400', problem(400, { detail: 'wrong', errors: [{ field: 'body', message: 'wrong' }] }), 'INVALID', false],
    ['413 for one event', problem(413, {}), 'TOO_LARGE', false],
    ['429', problem(429, {}, { 'retry-after': '1' }), 'RATE_LIMITED', true],
    ['503', problem(503, { title: 'Service Unavailable' }), 'UNAVAILABLE', true],
    ['502 of a proxy', () => new Response('<html>', { status: 502 }), 'UNAVAILABLE', true],
    ['an answer of somebody else', () => Response.json({ hello: 'world' }), 'PROTOCOL', true],
  ])('%s is an error that says what to do', async (_what, answer, code, retryable) => {
    const { fetch, requests } = scripted(answer);
    const failed = connect({ url: 'http://gateway', key: 'k', fetch, retryForMs: 0 }).publish(...withdraw);
    await expect(failed).rejects.toBeInstanceOf(StreamsError);
    await expect(failed).rejects.toMatchObject({ code, retryable });
    expect(requests).toHaveLength(1);
  });

  test.each<[string | null, number | undefined]>([
    [null, undefined],
    ['2', 2000],
    ['0.5', 500],
    ['soon', undefined],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ])('Retry-After %j is %s ms', (header, ms) => expect(retryAfterOf(header)).toBe(ms));
});

describe('following by server-sent events', () => {
  test('asks for what is wanted, and goes on with the newest id, also of a heartbeat', async () => {
    const first = `retry: 1000\nid: t0\n\nid: t1\ndata: ${JSON.stringify(sent(1))}\n\n`;
    const { fetch, requests } = scripted(stream(first, 'id: t2\n: heartbeat\n\n'), stream(`id: t3\ndata: ${JSON.stringify(sent(2))}\n\n`));
    const seen: unknown[] = [];
    const events = connect({ url: 'http://gateway', key: 'k', fetch }).subscribe({ types: ['content.withdrawn'], subject: 'c-1', from: 'beginning' });
    for await (const event of events) if (seen.push([event.offset, event.token]) === 2) break;
    expect(seen).toEqual([
      [1n, 't1'],
      [2n, 't3'],
    ]);
    expect(requests.map(({ url }) => url.split('?')[1])).toEqual([
      'type=content.withdrawn&subject=c-1&from=beginning',
      'type=content.withdrawn&subject=c-1&from=t2',
    ]);
  });

  test.each<[string, () => Response, string]>([
    ['a token of another time', problem(410, { detail: 'gone' }), 'TOKEN_TRUNCATED'],
    ['a key that ended in the middle', stream('event: error\ndata: {"status":401,"detail":"ended"}\n\n'), 'UNAUTHENTICATED'],
    ['a wrong filter', problem(400, { errors: [{ field: 'query.type', message: 'no' }] }), 'INVALID'],
  ])('ends with %s', async (_what, answer, code) => {
    const events = connect({ url: 'http://gateway', key: 'k', fetch: scripted(answer).fetch }).subscribe();
    await expect(events.next()).rejects.toMatchObject({ code, retryable: false });
  });
});
