import { AddressList } from '#core/network';
import type { Clock } from '#ports';
import { edgeMessageKey } from '#runtime';
import { z } from 'zod';
import type { PurgeRates } from '../cdn/purge-rates.ts';
import { lineOfText } from '../http/fields.ts';
import { ProblemError } from '../http/problem.errors.ts';
import { changedBody } from './changed-order.ts';
import { isOfNow, isSignedBy, parsedBody, type SignedCall } from './signed-call.ts';
import type { ZonePurges } from './zone-purges.ts';

export interface OriginPurgesDeps {
  readonly purges: ZonePurges;
  readonly rates: PurgeRates;
  readonly clock: Clock;
  /** Shared with edges; without it none can be told from a stranger, and none is heard. */
  readonly edgeSecret: string | undefined;
}

/** What an edge passes on, and the address from which it came to it. */
const passedOn = z.strictObject({
  zone: lineOfText.min(1).max(128),
  address: lineOfText.min(2).max(64),
  edge: lineOfText.min(1).max(64),
  changed: changedBody,
});

/** `PURGE` that came to an edge without a key, from an address that the zone names: the edge vouches for the address, the zone for who has it. */
export class OriginPurges {
  readonly #deps: OriginPurgesDeps;

  constructor(deps: OriginPurgesDeps) {
    this.#deps = deps;
  }

  /**
   * @returns the id of the purge: the same for the same id of the call
   * @throws ProblemError 401 for whoever is no edge, 403 for an address that the zone does not name (any more); 400, 422, 429
   */
  async take(zoneId: string, call: SignedCall): Promise<string> {
    const { clock, edgeSecret, purges, rates } = this.#deps;
    if (edgeSecret === undefined || !isOfNow(call, clock.now()) || !isSignedBy(edgeMessageKey(edgeSecret), call)) throw noEdge();
    const { address, changed, zone } = parsedBody(passedOn, call.body);
    // What was signed for one zone is for no other.
    if (zone !== zoneId) throw noEdge();
    const owned = await purges.zone(zoneId);
    const list = AddressList.parse(owned?.zone.configuration.purgers ?? []);
    if (owned === undefined || typeof list === 'string' || !list.has(address)) throw notNamed(address);
    await rates.takeOrigin(zoneId);
    const { correlationId, id = '' } = call;
    return purges.request(owned, changed, { actor: `origin:${address}`, id: `${address} ${id}`, correlationId });
  }
}

function noEdge(): ProblemError {
  return new ProblemError({ status: 401, code: 'unauthenticated', detail: 'Edges alone are heard here: they prove by EDGE_SECRET that they are.' });
}

function notNamed(address: string): ProblemError {
  return new ProblemError({ status: 403, code: 'forbidden', detail: `${address} is none of the purgers of this zone.` });
}
