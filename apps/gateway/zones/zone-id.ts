import { base32Of } from '#domain/stream';
import { derivedId } from '../access/secrets.ts';

/** Of the zone that a tenant calls so. */
export function zoneIdOf(tenant: string, name: string): string {
  return `zn-${base32Of(derivedId('zone', tenant, name))}`;
}
