import { hashOf } from '#core/http-cache';
import type { PurgeSelector } from '#events';

export interface DigestedPurge {
  readonly urls: readonly string[];
  readonly selectors?: readonly PurgeSelector[] | undefined;
  readonly soft?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly reason: string;
}

const fields = (selector: PurgeSelector): unknown[] => [selector.kind, selector.value, selector.host, selector.zone, selector.tenant];

/**
 * What tells one purge from another under the same id, over its parts one after the other. It guards callers against their
 * own mistakes, not anybody against an attack: 106 bits of a hash that is quick and pure.
 */
export function purgeDigest({ urls, selectors = [], soft = false, dryRun = false, reason }: DigestedPurge, before = ''): string {
  const text = JSON.stringify([before, urls, selectors.map(fields), soft, dryRun, reason]);
  return `${hashOf(`a${text}`).toString(36)}.${hashOf(`b${text}`).toString(36)}`;
}
