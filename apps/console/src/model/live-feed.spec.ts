import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Api } from './api.ts';
import { type FeedState, followFeed } from './live-feed.ts';
import type { SseMessage } from '#sdk/sse';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server | undefined;

/** Serves the n-th request by the n-th answer. */
async function serve(...answers: Answer[]): Promise<{ api: Api; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  server = createServer((request, response) => {
    requests.push(request);
    const answer = answers[requests.length - 1] ?? ((_request, ended) => ended.destroy());
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { api: new Api('sk_a_b', `http://127.0.0.1:${(server.address() as AddressInfo).port}`), requests };
}

function feed(text: string): Answer {
  return (_request, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text);
}

/** Follows until `enough` messages have come or the feed was refused. */
async function collect(api: Api, enough: number): Promise<{ messages: SseMessage[]; states: FeedState[]; detail: string }> {
  const abort = new AbortController();
  const messages: SseMessage[] = [];
  const states: FeedState[] = [];
  let detail = '';
  const onMessages = (fresh: readonly SseMessage[]): void => {
    messages.push(...fresh);
    if (messages.length >= enough) abort.abort();
  };
  const onState = (state: FeedState, why: string): void => {
    states.push(state);
    detail = why;
  };
  await followFeed(api, { path: '/events', retryMs: 10, onMessages, onState }, abort.signal);
  return { messages, states, detail };
}

describe('followFeed', () => {
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  test('resumes after a break from the last id it has seen, with its key in the header', async () => {
    const { api, requests } = await serve(feed('id: t1\ndata: one\n\nid: t2\ndata: two\n\nid: t3\ndata: lo'), feed('id: t3\ndata: lost and found\n\n'));
    const { messages } = await collect(api, 3);
    expect(messages.map((message) => message.data)).toEqual(['one', 'two', 'lost and found']);
    expect(requests.map((request) => request.headers['last-event-id'])).toEqual([undefined, 't2']);
    expect(requests.map((request) => request.headers.authorization)).toEqual(['Bearer sk_a_b', 'Bearer sk_a_b']);
  });

  test('tries again while the gateway is away', async () => {
    const { api } = await serve((_request, response) => response.writeHead(503).end(), feed('data: back\n\n'));
    const { messages, states } = await collect(api, 1);
    expect(messages.map((message) => message.data)).toEqual(['back']);
    expect(states).toContain('waiting');
  });

  test.each([400, 410])('begins anew when the place it remembers is refused with %i', async (status) => {
    const refuse: Answer = (_request, response) => response.writeHead(status).end();
    const { api, requests } = await serve(feed('id: old\ndata: one\n\n'), refuse, feed('id: t1\ndata: two\n\n'));
    const { messages } = await collect(api, 2);
    expect(messages.map((message) => message.data)).toEqual(['one', 'two']);
    expect(requests.map((request) => request.headers['last-event-id'])).toEqual([undefined, 'old', undefined]);
  });

  test('ends when the key is refused, and says why', async () => {
    const problem = JSON.stringify({ title: 'Forbidden', status: 403, detail: 'The key lacks the scope view.' });
    const { api, requests } = await serve((_request, response) => response.writeHead(403, { 'content-type': 'application/problem+json' }).end(problem));
    const { states, detail } = await collect(api, 1);
    expect(states.at(-1)).toBe('refused');
    expect(detail).toBe('The key lacks the scope view.');
    expect(requests).toHaveLength(1);
  });
});
