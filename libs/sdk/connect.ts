import { rest, type RestInit } from './rest/index.ts';
import { Streams } from './streams.ts';
import type { Transport } from './transport.ts';

interface ConnectionInit {
  /** A URI reference of who speaks, such as `/billing`: the `source` of events that do not say their own. */
  readonly source?: string;
  /** How long a call tries before it fails, ms; 30,000. */
  readonly retryForMs?: number;
  /** How long one attempt may take, ms; 15,000. */
  readonly timeoutMs?: number;
}

/** By REST, when a URL is given; else by the transport given. */
export type ConnectInit = ConnectionInit & (RestInit | { readonly transport: Transport });

/** Connects to Streams. Nothing is sent before something is asked for. */
export function connect(init: ConnectInit): Streams {
  const transport = 'transport' in init ? init.transport : rest(init);
  return new Streams({ transport, source: init.source ?? '/sdk', retryForMs: init.retryForMs ?? 30_000, timeoutMs: init.timeoutMs ?? 15_000 });
}
