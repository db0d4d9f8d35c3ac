import { useState } from 'react';
import { formatBitrate, formatRatio } from '../model/format.ts';
import { edgesOnMap, mapHeight, mapTop, mapWidth, spotsOf, type EdgeOnMap, type MappedEdge, type Spot } from '../model/traffic-map.ts';
import { shortNumber, type Traffic } from '../model/traffic.ts';
import { worldOutline } from './world-outline.ts';

const pills: Partial<Record<EdgeOnMap['status'], string>> = { up: 'pill good', silent: 'pill bad' };

function figuresOf({ bitsPerSecond, hitRatio, requestsPerSecond }: EdgeOnMap): string {
  return `${shortNumber(requestsPerSecond)} requests/s, ${formatBitrate(bitsPerSecond)}, ${formatRatio(hitRatio)} hits`;
}

interface TrafficMapProps {
  /** Undefined where the key may not see the edges. */
  readonly edges: readonly MappedEdge[] | undefined;
  /** By edge. */
  readonly traffic: Traffic;
}

/** Where the edges are and what each answers, over the time that the charts show. The table says the same in words. */
export function TrafficMap({ edges, traffic }: TrafficMapProps) {
  const [chosen, choose] = useState<string>();
  if (edges === undefined) return null;
  const all = edgesOnMap(edges, traffic);
  const placed = all.filter(({ location }) => location !== null);
  const elsewhere = all.filter(({ location }) => location === null);
  const most = Math.max(...all.map(({ requestsPerSecond }) => requestsPerSecond), 0);
  return (
    <section className="panel" aria-label="Map">
      <header>
        <h2>Where it is answered</h2>
      </header>
      {all.length === 0 ? <p className="empty">No edge has registered yet.</p> : null}
      {placed.length === 0 ? null : (
        <div className="map">
          <svg viewBox={`0 ${mapTop} ${mapWidth} ${mapHeight}`} aria-hidden="true">
            <path d={worldOutline} />
          </svg>
          {spotsOf(placed).map((spot) => (
            <Mark key={spot.edges[0]?.name} spot={spot} most={most} chosen={chosen} onChoose={choose} />
          ))}
        </div>
      )}
      {placed.length === 0 ? null : <EdgeTable edges={placed} chosen={chosen} caption="By place" />}
      {elsewhere.length === 0 ? null : (
        <>
          <EdgeTable edges={elsewhere} chosen={chosen} caption="Without coordinates" />
          <p className="note">EDGE_LATITUDE and EDGE_LONGITUDE put an edge on the map.</p>
        </>
      )}
    </section>
  );
}

interface MarkProps {
  readonly spot: Spot;
  readonly most: number;
  readonly chosen: string | undefined;
  onChoose(name: string | undefined): void;
}

/** The area is the rate of requests; what is silent or leaves has a broken rim. */
function Mark({ chosen, most, onChoose, spot: { edges, x, y } }: MarkProps) {
  const name = edges.map((edge) => edge.name).join(', ');
  const rate = edges.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0);
  const size = 12 + 22 * Math.sqrt(most === 0 ? 0 : Math.min(1, rate / most));
  const isWell = edges.every(({ status }) => status === 'up');
  const isChosen = edges.some((edge) => edge.name === chosen);
  const text = edges.map((edge) => `${edge.name} (${edge.status}): ${figuresOf(edge)}`).join('\n');
  const place = { left: `${(100 * x) / mapWidth}%`, top: `${(100 * (y - mapTop)) / mapHeight}%` };
  return (
    <button
      type="button"
      className={`mark ${isWell ? 'well' : 'unwell'} ${x > 0.75 * mapWidth ? 'to-left' : ''}`}
      style={place}
      title={text}
      aria-label={text}
      aria-pressed={isChosen}
      onClick={() => onChoose(isChosen ? undefined : edges[0]?.name)}
    >
      <span className="disc" style={{ width: size, height: size }} />
      <span className="name">{edges.length > 1 ? `${edges[0]?.name} + ${edges.length - 1}` : name}</span>
    </button>
  );
}

function EdgeTable({ caption, chosen, edges }: { readonly caption: string; readonly chosen: string | undefined; readonly edges: readonly EdgeOnMap[] }) {
  return (
    <div className="scrolls">
      <table className="edges">
        <caption>{caption}</caption>
        <thead>
          <tr>
            <th scope="col">Edge</th>
            <th scope="col">State</th>
            <th scope="col">Requests/s</th>
            <th scope="col">Bandwidth</th>
            <th scope="col">Hits</th>
            <th scope="col">Region</th>
            <th scope="col">Place</th>
          </tr>
        </thead>
        <tbody>
          {edges.map((edge) => (
            <tr key={edge.name} className={edge.name === chosen ? 'chosen' : ''}>
              <th scope="row">{edge.name}</th>
              <td>
                <span className={pills[edge.status] ?? 'pill warn'}>{edge.status}</span>
              </td>
              <td>{shortNumber(edge.requestsPerSecond)}</td>
              <td>{formatBitrate(edge.bitsPerSecond)}</td>
              <td>{formatRatio(edge.hitRatio)}</td>
              <td>{edge.region ?? '–'}</td>
              <td>{edge.location === null ? '–' : `${edge.location.latitude.toFixed(1)}°, ${edge.location.longitude.toFixed(1)}°`}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
