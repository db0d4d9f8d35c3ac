import { cacheOutcomes, trafficLimits, type DraftOf, type requestsServed } from '#events';
import { createHash, randomBytes } from 'node:crypto';
import type { EdgeRequest, HeadLog, AnsweringZone } from '../server/exchange.ts';
import { hostNameOf } from '../zones/zone-table.ts';
import { agentClassOf } from './agent-class.core.ts';
import { toldPath } from './told-path.core.ts';

export type RequestEntry = DraftOf<typeof requestsServed>['data']['requests'][number];

/** A request that was picked, as far as it must be looked at while it is there: a request does not outlive its client. */
export interface RequestLine {
  readonly at: number;
  readonly zone: AnsweringZone;
  readonly host: string;
  readonly method: string;
  readonly target: string;
  readonly address: string;
  readonly agent: string | undefined;
  /** How many requests it stands for. */
  readonly weight: number;
  status: number;
  log: HeadLog;
  bytes: number;
  durationMs: number;
  complete: boolean;
}

const unanswered: HeadLog = { outcome: 0, statusClass: 0, contentType: '' };

export function lineOf(request: EdgeRequest, zone: AnsweringZone, at: number, weight: number): RequestLine {
  const { method, target, clientAddress: address } = request;
  const [host, agent] = [request.field('host') ?? '', request.field('user-agent')];
  return { at, zone, host, method, target, address, agent, weight, status: 0, log: unanswered, bytes: 0, durationMs: 0, complete: true };
}

const dayMs = 86_400_000;
/** 66 bits. */
const hashLength = 11;

/** Names clients by what nobody can trace back: the salt of a day is never written down, and forgotten at its end. */
export class ClientNames {
  #salt = randomBytes(32);
  #day = 0;

  nameOf(address: string, atMs: number): string {
    const day = Math.floor(atMs / dayMs);
    if (day > this.#day) {
      this.#day = day;
      this.#salt = randomBytes(32);
    }
    return createHash('sha256').update(this.#salt).update(address).digest('base64url').slice(0, hashLength);
  }
}

/** PostgreSQL has no U+0000, and no client a reason for one. */
const printable = (text: string): string => text.replaceAll('\0', '');

/** The line as it is told, without what is nobody's business. */
export function entryOf(line: RequestLine, names: ClientNames): RequestEntry {
  const { address, agent, at, bytes, complete, durationMs, log, method, status, target, zone } = line;
  return {
    at,
    zone: zone.id === '' ? null : zone.id,
    host: printable(hostNameOf(line.host)).slice(0, trafficLimits.hostLengthMax),
    method: printable(method).slice(0, 32),
    path: printable(toldPath(target, trafficLimits.pathLengthMax)),
    status,
    bytes,
    durationMs: Math.round(durationMs * 100) / 100,
    cache: cacheOutcomes[log.outcome] ?? 'error',
    complete,
    contentType: printable(log.contentType).slice(0, 128),
    client: names.nameOf(address, at),
    agent: agentClassOf(agent),
  };
}
