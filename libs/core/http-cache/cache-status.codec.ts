import { fieldValue, type Fields } from './fields.ts';

/** Why a request went on towards the origin (RFC 9211 section 2.2). */
export type ForwardReason = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial';

/** What one cache did with one request (RFC 9211 section 2). */
export interface CacheOutcome {
  /** Absent for a hit. */
  readonly forwarded?: ForwardReason;
  /** The status that the origin gave, where it is not the one that the client gets. */
  readonly forwardStatus?: number;
  readonly stored?: boolean;
  readonly collapsed?: boolean;
  /** Seconds of freshness left; negative for a stale response. */
  readonly ttl?: number;
  /** A word for a person. */
  readonly detail?: string;
}

const token = /^[A-Za-z*][A-Za-z0-9!#$%&'*+\-.^_`|~:/]*$/;

/** A Structured Fields token where the name is one, else a string (RFC 8941 sections 3.3.3 and 3.3.4). */
export function cacheName(name: string): string {
  return token.test(name) ? name : `"${name.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}

/** This cache's member of Cache-Status. */
export function formatCacheStatus(name: string, outcome: CacheOutcome): string {
  // RFC 9211 sections 2.1 and 2.2: hit and fwd exclude each other.
  let text = outcome.forwarded === undefined ? `${name}; hit` : `${name}; fwd=${outcome.forwarded}`;
  if (outcome.forwardStatus !== undefined) text += `; fwd-status=${outcome.forwardStatus}`;
  if (outcome.ttl !== undefined) text += `; ttl=${outcome.ttl}`;
  if (outcome.stored === true) text += '; stored';
  if (outcome.collapsed === true) text += '; collapsed';
  if (outcome.detail !== undefined) text += `; detail=${outcome.detail}`;
  return text;
}

/** RFC 9211 section 2: a cache appends its member, so that the list runs from the origin to the user. */
export function withCacheStatus(fields: Fields, name: string, outcome: CacheOutcome): Fields {
  const own = formatCacheStatus(name, outcome);
  const before = fieldValue(fields, 'cache-status');
  if (before === undefined) return [...fields, ['cache-status', own]];
  return [...fields.filter((field) => field[0] !== 'cache-status'), ['cache-status', `${before}, ${own}`]];
}
