import { candidatesOf, steer, steeringKey, type SteeringChoice, type SteeringRules } from '#domain/edge';
import { isIP } from 'node:net';
import type { ClientSubnet } from '../dns/dns-message.codec.ts';
import type { SteeredAddresses } from '../dns/dns-answer.core.ts';
import type { GeoFile } from '../geo/geo-file.ts';
import type { EdgeProbes } from '../registry/edge-probes.ts';
import type { RegistryKeeper } from '../registry/registry-keeper.ts';
import { networkBits, networkOf, plainAddress } from './network.core.ts';

export interface SteeringDeskDeps {
  readonly registry: Pick<RegistryKeeper, 'known'>;
  readonly probes: Pick<EdgeProbes, 'of'>;
  readonly geo: Pick<GeoFile, 'find'> | undefined;
}

/** An edge whose URL is an address needs nobody to look it up. */
function literalAddress(url: string): readonly string[] {
  const host = URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : '';
  return isIP(host) === 0 ? [] : [host];
}

/** Chooses edges for clients, whatever the way in. */
export class SteeringDesk {
  readonly #rules: SteeringRules;
  readonly #deps: SteeringDeskDeps;

  constructor(rules: SteeringRules, deps: SteeringDeskDeps) {
    this.#rules = rules;
    this.#deps = deps;
  }

  forPath(path: string, clientAddress: string): SteeringChoice {
    return this.#choose(steeringKey(path), clientAddress).choice;
  }

  /** For a name of the zone: to the client whose subnet the resolver tells, else to the resolver itself. */
  forName(key: string, subnet: ClientSubnet | undefined, resolverAddress: string): SteeredAddresses | undefined {
    // RFC 7871 section 7.1.2: with a prefix of 0 nobody wants to be known, and what is answered holds for all.
    const told = subnet !== undefined && subnet.sourcePrefix > 0 ? subnet : undefined;
    const { choice, prefix } = this.#choose(key, told?.address ?? resolverAddress, true);
    if (choice.chosen === undefined) return undefined;
    const { addresses, urls } = choice.chosen;
    const all = addresses.length > 0 ? addresses : urls.flatMap(literalAddress);
    return {
      ipv4: all.filter((address) => isIP(address) === 4),
      ipv6: all.filter((address) => isIP(address) === 6),
      scopePrefix: told === undefined ? 0 : scopeOf(choice, told, prefix),
    };
  }

  #choose(key: string, clientAddress: string, inDns = false): { readonly choice: SteeringChoice; readonly prefix: number } {
    const { geo, probes, registry } = this.#deps;
    const address = plainAddress(clientAddress);
    const { place, prefix } = geo?.find(address) ?? { place: null, prefix: 0 };
    const all = candidatesOf(registry.known.edges, (node) => probes.of(node));
    const candidates = inDns ? all.filter(({ addresses, urls }) => addresses.length > 0 || urls.some((url) => literalAddress(url).length > 0)) : all;
    return { choice: steer(candidates, key, { place, network: networkOf(address) }, this.#rules), prefix };
  }
}

/** How many bits of the client's network the answer hangs on; never more than were told, so that it is not kept for more than it holds for. */
function scopeOf({ dependsOn }: SteeringChoice, { family, sourcePrefix }: ClientSubnet, geoPrefix: number): number {
  const byPlace = dependsOn.place ? geoPrefix : 0;
  const byNetwork = dependsOn.network ? networkBits[family === 1 ? 4 : 6] : 0;
  return Math.min(Math.max(byPlace, byNetwork), sourcePrefix);
}
