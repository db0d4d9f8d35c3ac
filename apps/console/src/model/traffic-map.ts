import type { Traffic } from './traffic.ts';
import type { EdgeHealth } from './types.ts';

/** What the map is told of an edge, or of one of its processes. */
export type MappedEdge = Pick<EdgeHealth, 'id' | 'mirroredFrom' | 'region' | 'status'> & {
  readonly node: string;
  /** How many it has, as it says. */
  readonly processes: number;
  readonly location: { readonly latitude: number; readonly longitude: number } | null;
};

/** An edge with all its processes, and what it answered over the time that is looked at. */
export interface EdgeOnMap {
  readonly name: string;
  readonly region: string | null;
  readonly status: EdgeHealth['status'];
  readonly location: MappedEdge['location'];
  readonly requestsPerSecond: number;
  readonly bitsPerSecond: number;
  /** 0 to 1; null where nothing was asked for. */
  readonly hitRatio: number | null;
}

/** One spot of the map, in units of the outline. */
export interface Spot {
  readonly x: number;
  readonly y: number;
  readonly edges: readonly EdgeOnMap[];
}

export const mapWidth = 1000;
/** What of the outline's 500 is shown: 84.6° north to 59.4° south. */
export const mapTop = 15;
export const mapHeight = 400;

/** An equirectangular projection; what lies beyond the map is at its rim. */
export function placeOf({ latitude, longitude }: { readonly latitude: number; readonly longitude: number }): { readonly x: number; readonly y: number } {
  const y = ((90 - latitude) / 180) * (mapWidth / 2);
  return { x: ((longitude + 180) / 360) * mapWidth, y: Math.min(mapTop + mapHeight, Math.max(mapTop, y)) };
}

/** The worst first: an edge is as its worst process. */
const order: readonly EdgeHealth['status'][] = ['silent', 'refused', 'draining', 'announced', 'up', 'removed'];

/** Of an edge that runs with fewer processes than it had, those that are no more say nothing, and are no fault. */
function withoutLeftOver(processes: readonly MappedEdge[]): readonly MappedEdge[] {
  const heard = processes.filter(({ status }) => status !== 'silent');
  const said = Math.max(0, ...heard.map((process) => process.processes));
  return heard.length > 0 && heard.length >= said ? heard : processes;
}

/** Edges of this region by name, those that were removed left out. */
export function edgesOnMap(edges: readonly MappedEdge[], traffic: Traffic): readonly EdgeOnMap[] {
  const seconds = Math.max(1, (Date.parse(traffic.until) - Date.parse(traffic.from)) / 1000);
  const figures = new Map(traffic.groups.map((group) => [group.group, group.figures]));
  const byNode = new Map<string, MappedEdge[]>();
  for (const edge of edges) {
    if (edge.mirroredFrom !== null || edge.status === 'removed') continue;
    byNode.set(edge.node, [...(byNode.get(edge.node) ?? []), edge]);
  }
  return [...byNode]
    .map(([name, processes]): EdgeOnMap => {
      const seen = processes.flatMap(({ id }) => figures.get(id) ?? []);
      const requests = seen.reduce((sum, of) => sum + of.requests, 0);
      const hits = seen.reduce((sum, of) => sum + of.requests * (of.hitRatio ?? 0), 0);
      return {
        name,
        region: processes[0]?.region ?? null,
        status: order.find((status) => withoutLeftOver(processes).some((process) => process.status === status)) ?? 'announced',
        location: processes.find(({ location }) => location !== null)?.location ?? null,
        requestsPerSecond: requests / seconds,
        bitsPerSecond: (8 * seen.reduce((sum, of) => sum + (of.bytes ?? 0), 0)) / seconds,
        hitRatio: requests === 0 ? null : hits / requests,
      };
    })
    .sort((a, b) => b.requestsPerSecond - a.requestsPerSecond || a.name.localeCompare(b.name));
}

/** How near to each other edges are one spot: a mark would hide the other. */
const nearUnits = 12;

/** Where edges are, those that lie upon each other as one. */
export function spotsOf(edges: readonly EdgeOnMap[]): readonly Spot[] {
  const spots: { readonly x: number; readonly y: number; readonly edges: EdgeOnMap[] }[] = [];
  for (const edge of edges) {
    if (edge.location === null) continue;
    const place = placeOf(edge.location);
    const there = spots.find((spot) => Math.hypot(spot.x - place.x, spot.y - place.y) < nearUnits);
    if (there === undefined) spots.push({ ...place, edges: [edge] });
    else there.edges.push(edge);
  }
  return spots;
}
