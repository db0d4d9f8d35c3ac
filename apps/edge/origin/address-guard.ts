import { isPublicAddress } from '#adapters/webhook';
import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { OriginError } from './origin-client.ts';

export interface AddressGuardInit {
  /** Private, loopback and other special addresses are connected to as well. */
  readonly privateAddresses: boolean;
  /** How names are looked up; the system's way by default. */
  readonly lookup?: LookupFunction;
}

/** For how long a name's addresses are taken for what they were, ms: a moment, so that a move is seen. */
const rememberMs = 5000;

interface Known {
  readonly addresses: readonly string[];
  readonly untilMs: number;
}

/**
 * Looks names of origins up and lets none of them lead into the platform's own network: a connection goes to the very
 * address that was judged, so a name that means something else a moment later leads nowhere.
 */
export class AddressGuard {
  readonly #init: AddressGuardInit;
  readonly #known = new Map<string, Known>();

  constructor(init: AddressGuardInit) {
    this.#init = init;
  }

  /** @throws OriginError `ORIGIN_FORBIDDEN` */
  check(host: string, address: string): void {
    if (this.#init.privateAddresses || isPublicAddress(address)) return;
    throw new OriginError('ORIGIN_FORBIDDEN', `${host} leads to an address that is not on the public internet; ORIGIN_PRIVATE_ADDRESSES=true allows it.`);
  }

  /** The addresses of a name, or the one that it is; each of them allowed. @throws OriginError; whatever the look-up throws */
  async addressesOf(host: string, nowMs: number): Promise<readonly string[]> {
    if (isIP(host) !== 0) {
      this.check(host, host);
      return [host];
    }
    const known = this.#known.get(host);
    if (known !== undefined && nowMs < known.untilMs) return known.addresses;
    const addresses = await new Promise<readonly string[]>((resolve, reject) => {
      this.lookup(host, { all: true }, (error, found) => {
        if (error !== null) reject(error);
        else resolve((found as { address: string }[]).map(({ address }) => address));
      });
    });
    this.#known.set(host, { addresses, untilMs: nowMs + rememberMs });
    return addresses;
  }

  /** For sockets that look up by themselves. One bad address is enough: which of them a connection takes is not ours to say. */
  readonly lookup: LookupFunction = (host, options, done) => {
    const lookup = this.#init.lookup ?? (systemLookup as LookupFunction);
    lookup(host, { ...options, all: true }, (error, found, family) => {
      if (error !== null) return done(error, []);
      const addresses = Array.isArray(found) ? found : [{ address: found, family: family ?? 4 }];
      try {
        for (const { address } of addresses) this.check(host, address);
      } catch (forbidden) {
        return done(forbidden as NodeJS.ErrnoException, []);
      }
      if (options.all === true) return done(null, addresses);
      const [first] = addresses;
      done(null, first?.address ?? '', first?.family ?? 4);
    });
  };
}
