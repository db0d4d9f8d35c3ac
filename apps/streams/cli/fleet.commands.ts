import type { CommandContext } from './context.ts';
import { table } from './table.ts';

interface Edge {
  readonly id: string;
  readonly node: string;
  readonly url: string | null;
  readonly urls: readonly string[];
  readonly addresses: readonly string[];
  readonly region: string | null;
  readonly mirroredFrom: string | null;
  readonly status: string;
  readonly reason: string | null;
  readonly keyId: string | null;
  readonly hitRatio: number | null;
  readonly lastReportAt: string | null;
  readonly location: { readonly latitude: number; readonly longitude: number } | null;
  readonly protocols: readonly string[];
  readonly programVersion: string | null;
  readonly load: {
    readonly bitsPerSecond: number;
    readonly connections: number | null;
    readonly cpu: number | null;
    readonly behindMs: number;
    readonly sharedTier: 'on' | 'away' | 'full' | null;
  } | null;
}

const none = '–';
const percent = (share: number | null): string => (share === null ? none : `${(share * 100).toFixed(1)} %`);
const megabits = (edge: Edge): string => (edge.load === null ? none : `${(edge.load.bitsPerSecond / 1e6).toFixed(1)} Mbit/s`);

function row(edge: Edge): readonly string[] {
  const region = `${edge.region ?? none}${edge.mirroredFrom === null ? '' : ` of ${edge.mirroredFrom}`}`;
  return [
    edge.id,
    edge.status,
    region,
    megabits(edge),
    String(edge.load?.connections ?? none),
    edge.load?.cpu?.toFixed(2) ?? none,
    percent(edge.hitRatio),
    edge.url ?? none,
    edge.reason ?? '',
  ];
}

function linesOf(edge: Edge): readonly string[] {
  const { latitude, longitude } = edge.location ?? {};
  const facts: ReadonlyArray<readonly [string, string]> = [
    ['region', edge.region ?? none],
    ['reached at', edge.urls.length > 0 ? edge.urls.join(', ') : (edge.url ?? none)],
    ['addresses', edge.addresses.join(', ') || none],
    ['place', latitude === undefined ? none : `${latitude}, ${longitude}`],
    ['protocols', edge.protocols.join(', ') || none],
    ['key', edge.keyId ?? none],
    ['version', edge.programVersion ?? none],
    ['load', edge.load === null ? none : `${megabits(edge)}, ${edge.load.connections ?? none} connections, ${edge.load.cpu?.toFixed(2) ?? none} processors`],
    ['shared tier', edge.load?.sharedTier ?? none],
    ['hit ratio', percent(edge.hitRatio)],
    ['reported', edge.lastReportAt ?? 'never'],
  ];
  const head = `${edge.id} is ${edge.status}${edge.reason === null ? '' : `: ${edge.reason}`}`;
  return [head, ...facts.map(([name, value]) => `  ${name.padEnd(11)} ${value}`)];
}

export async function listEdges({ api, print }: CommandContext): Promise<void> {
  const page = await api.call<{ readonly items: readonly Edge[] }>('GET', '/api/v1/cdn/edges');
  print(page, () => {
    if (page.items.length === 0) return ['No edge has made itself known yet.'];
    return table(['EDGE', 'STATUS', 'REGION', 'SENDS', 'CONNECTIONS', 'CPU', 'HITS', 'URL', 'REASON'], page.items.map(row));
  });
}

export async function showEdge({ api, print }: CommandContext, id: string): Promise<void> {
  const edge = await api.call<Edge>('GET', `/api/v1/cdn/edges/${encodeURIComponent(id)}`);
  print(edge, () => linesOf(edge));
}

const outcomes = {
  drain: 'No client is sent to it any more; it serves those that come. "streams cdn resume" takes it back.',
  resume: 'It is one of ours, and clients are sent to it.',
  remove: 'Nobody is sent to it, and what it says of itself does not count. "streams cdn resume" takes it back.',
} as const;

export async function decideEdge({ api, print }: CommandContext, verb: keyof typeof outcomes, id: string, reason: string): Promise<void> {
  const answer = await api.call<object>('POST', `/api/v1/cdn/edges/${encodeURIComponent(id)}/${verb}`, { reason });
  print(answer, () => [`${id}: ${outcomes[verb]}`]);
}
