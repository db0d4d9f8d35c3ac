import { judgeReuse, judgeStoring, mediaTtlSettings, type Fields } from './index.ts';
import { expect, test } from '@jest/globals';
import CachePolicy from 'http-cache-semantics';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, interceptors } from 'undici';

/** One exchange; a second request of the same kind follows at once. */
interface Case {
  readonly status: number;
  readonly control: string;
  readonly more: Readonly<Record<string, string>>;
  readonly authorization: boolean;
}

const statuses = [200, 299, 302, 404, 503];
const controls = [
  ...['', 'max-age=60', 'max-age=0', 'max-age=abc', 'max-age=60, max-age=0', 'max-age="60"', 's-maxage=60', 's-maxage=0, max-age=60'],
  ...['no-store', 'private, max-age=60', 'public', 'public, max-age=60', 'no-cache, max-age=60', 'no-cache="x", max-age=60', 'private="x", max-age=60'],
  ...['must-revalidate, max-age=60', 'must-understand, no-store, max-age=60', 'foo="max-age=60"', 'max-age=60, foo="no-store"'],
];
const mores: readonly Readonly<Record<string, string>>[] = [
  {},
  { age: '61' },
  { age: 'x' },
  { expires: 'Thu, 18 Aug 2050 02:01:18 GMT' },
  { expires: '0' },
  { 'last-modified': 'Thu, 18 Aug 2022 02:01:18 GMT' },
  { vary: '*' },
  { 'set-cookie': 'a=b' },
];

function* cases(): Generator<Case> {
  for (const status of statuses)
    for (const control of controls) for (const more of mores) for (const authorization of [false, true]) yield { status, control, more, authorization };
}

type Peer = 'http-cache-semantics' | 'undici';
const says = (control: string, directive: string): boolean => control.includes(directive);

/** Where a peer reuses what the edge does not, or the other way round, and why the edge does what it does. The first that fits explains. */
const explained: readonly {
  readonly edgeReuses: boolean;
  readonly when: (one: Case) => boolean;
  readonly because: string;
}[] = [
  {
    edgeReuses: false,
    when: ({ more }) => 'set-cookie' in more,
    because: "RFC 9111 section 7.3 leaves it to the cache: one viewer's cookie is never another's",
  },
  {
    edgeReuses: true,
    when: ({ control }) => says(control, 'must-understand'),
    because: 'RFC 9111 section 5.2.2.3: must-understand makes no-store void for a status that is understood',
  },
  {
    edgeReuses: true,
    when: ({ control }) => says(control, '"x"'),
    because: 'RFC 9111 sections 5.2.2.4 and 5.2.2.7: the qualified forms speak of the fields that they name',
  },
  {
    edgeReuses: true,
    when: ({ status }) => [299, 302, 404, 503].includes(status),
    because: 'RFC 9111 section 3: any final status may be stored that says how long it lasts; 404 is heuristically cacheable',
  },
  {
    edgeReuses: true,
    when: ({ control }) => says(control, 'max-age=60, max-age=0') || says(control, '"60"'),
    because: 'RFC 9111 section 4.2.1: the first of two counts; section 5.2: both forms of an argument are accepted',
  },
  {
    edgeReuses: true,
    when: ({ control }) => says(control, 'foo='),
    because: 'RFC 9111 section 5.2: what stands in a quoted string is no directive',
  },
  {
    edgeReuses: false,
    when: ({ more }) => 'last-modified' in more,
    because: 'the edge guesses within the bounds of its table, and not for those who show a credential',
  },
  {
    edgeReuses: true,
    when: ({ control }) => says(control, 'must-revalidate'),
    because: 'RFC 9111 section 5.2.2.2: must-revalidate speaks of what has become stale',
  },
  {
    edgeReuses: true,
    when: ({ more }) => more['age'] === 'x',
    because: 'RFC 9111 section 5.1: an invalid Age is ignored',
  },
];

const fieldsOf = ({ control, more }: Case, date: string): [string, string][] => [
  ['date', date],
  ['content-type', 'text/plain'],
  ...(control === '' ? [] : ([['cache-control', control]] as [string, string][])),
  ...Object.entries(more),
];

function edgeReuses(one: Case, nowMs: number): boolean {
  const request = { method: 'GET', target: '/x', field: (name: string) => (name === 'authorization' && one.authorization ? 'a' : undefined) };
  const fields: Fields = fieldsOf(one, new Date(nowMs).toUTCString());
  const verdict = judgeStoring(request, { status: one.status, fields }, { requestTimeMs: nowMs, responseTimeMs: nowMs }, mediaTtlSettings);
  return verdict.store && verdict.keeps && judgeReuse(verdict.response.freshness, nowMs + 100, { purgesKnown: true, doubtFreshMs: 0 }) === 'fresh';
}

function semanticsReuses(one: Case, nowMs: number): boolean {
  const request = { url: '/x', method: 'GET', headers: one.authorization ? { authorization: 'a' } : {} };
  const headers = Object.fromEntries(fieldsOf(one, new Date(nowMs).toUTCString()));
  const policy = new CachePolicy(request, { status: one.status, headers }, { shared: true });
  return policy.storable() && policy.satisfiesWithoutRevalidation(request);
}

/** undici has no function to ask: every case is two requests to a real server, which counts them. */
async function undiciReuses(all: readonly Case[]): Promise<boolean[]> {
  const counts = new Map<string, number>();
  const server = createServer((incoming, response) => {
    const url = incoming.url ?? '';
    counts.set(url, (counts.get(url) ?? 0) + 1);
    const one = all[Number(url.slice(1))] as Case;
    for (const [name, value] of fieldsOf(one, new Date().toUTCString())) response.setHeader(name, value);
    response.writeHead(one.status).end('x');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const dispatcher = new Agent().compose(interceptors.cache({ type: 'shared' }));
  const ask = async (at: number): Promise<void> => {
    const headers = all[at]?.authorization === true ? { authorization: 'a' } : {};
    const { body } = await dispatcher.request({ origin, path: `/${at}`, method: 'GET', headers });
    await body.text();
  };
  for (let at = 0; at < all.length; at++) {
    await ask(at);
    await ask(at);
  }
  await dispatcher.close();
  server.close();
  return all.map((_, at) => counts.get(`/${at}`) === 1);
}

test('where undici and http-cache-semantics decide otherwise than the edge, it is known why', async () => {
  const all = [...cases()];
  const nowMs = Math.floor(Date.now() / 1000) * 1000;
  const edge = all.map((one) => edgeReuses(one, nowMs));
  const peers: Readonly<Record<Peer, boolean[]>> = { 'http-cache-semantics': all.map((one) => semanticsReuses(one, nowMs)), undici: await undiciReuses(all) };
  const used = new Map<string, number>();
  const unexplained: string[] = [];
  for (const [peer, decisions] of Object.entries(peers) as [Peer, boolean[]][]) {
    all.forEach((one, at) => {
      if (decisions[at] === edge[at]) return;
      const why = explained.find((row) => row.edgeReuses === edge[at] && row.when(one));
      if (why === undefined) unexplained.push(`${peer}: ${JSON.stringify(one)}: the edge ${edge[at] === true ? 'reuses' : 'does not reuse'} it`);
      else used.set(why.because, (used.get(why.because) ?? 0) + 1);
    });
  }
  process.stderr.write(`${all.length} exchanges, ${[...used.values()].reduce((sum, count) => sum + count, 0)} disagreements:\n`);
  for (const [why, count] of used) process.stderr.write(`  ${count} x ${why}\n`);
  expect(unexplained).toEqual([]);
  // A reason that explains nothing any more would hide what it was not meant for.
  expect(explained.map(({ because }) => because).filter((because) => !used.has(because))).toEqual([]);
}, 60_000);
