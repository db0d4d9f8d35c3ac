import type { CacheHandler } from '../cache/edge.handler.ts';
import type { EdgeReply, EdgeRequest } from '../server/exchange.ts';
import type { Fills } from '../cache/fills.ts';

/** One version of a zone as it serves: a newer one takes its place in the table, and requests under way end in this. */
export interface Zone {
  readonly id: string;
  readonly version: number;
  readonly epoch: number;
  /** Empty for the platform's own. */
  readonly tenant: string;
  readonly hostInKey: boolean;
  /** Of the access log, 0 to 1; the edge's when undefined. */
  readonly accessSample?: number | undefined;
  /** Whether an address may PURGE without a key; undefined where none may. */
  readonly isPurger?: ((address: string) => boolean) | undefined;
  readonly handler: CacheHandler;
  readonly fills: Fills;
  /** The request as its answer is chosen by; undefined where that is the client's own. */
  readonly asked?: ((request: EdgeRequest) => EdgeRequest) | undefined;
  /** What requests for a target are told apart by in Accept-Encoding; undefined where the origin alone knows. */
  readonly codings?: ((target: string) => readonly string[] | undefined) | undefined;
  /** The last look at an answer; undefined where there is none to take. */
  readonly finish?: ((request: EdgeRequest, reply: EdgeReply) => EdgeReply) | undefined;
  /** The normal target that a URL or a path names here; undefined for what is none. */
  readonly keyOfUrl: (url: string) => string | undefined;
  /** Lets go of what it holds towards its origins, when it is out of the table and nobody asks it any more. */
  readonly close: () => void;
}

/** A zone, seen by one of its hosts. */
export interface Site {
  readonly zone: Zone;
  /** What the keys of its objects begin with. */
  readonly keyPrefix: string;
}
