import { z } from 'zod';
import { addressSubject } from './data-subjects.ts';
import { defineEvent } from './define.ts';
import { count, id, millis, text, withoutNul, withoutReason } from './fields.ts';
import { personalIdentifier } from './personal.ts';

export const scopes = ['publish', 'operate', 'view', 'edge', 'admin'] as const;

/** SHA-256 of the secret part, hex. The secret has 256 bits of entropy, so a slow hash would add nothing. */
const secretHash = z.string().regex(/^[0-9a-f]{64}$/);
const tenantId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
/**
 * A word of a list that grows: one that is not known yet must not make a new version of an event. Deciders check which there
 * are; readers pass over those that they do not know.
 */
const word = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/);
const name = z.string().min(1).max(200).regex(withoutNul);

export const keyIssued = defineEvent({
  type: 'key.issued',
  version: 3,
  context: 'access',
  meaning: 'An API key was issued; its secret is known only as a hash.',
  schema: z.object({
    keyId: id,
    name,
    secretHash,
    scopes: z.array(word).min(1),
    /** 0 for never. */
    expiresAtMs: millis,
    /** Whose things it may touch; `*` for every tenant's. */
    tenant: z.string().regex(/^(\*|[a-z0-9][a-z0-9-]{0,62})$/),
    /** Event contexts that it may publish to and view; null for all of them, those to come included. */
    contexts: z.array(word).min(1).nullable(),
    /** Calls per minute; null for what the platform grants. */
    ratePerMinute: z.number().int().positive().nullable(),
  }),
  key: (data) => data.keyId,
  // Version 1 is older than tenants: its keys were keys to everything that their scopes allow.
  // Version 2 named scopes and contexts by closed lists.
  upcasters: [(data) => ({ ...(data as object), tenant: 'default', contexts: null, ratePerMinute: null }), (data) => data],
  samples: [
    { keyId: 'k-3f9a', name: 'admin', secretHash: 'b'.repeat(64), scopes: ['admin'], expiresAtMs: 0 },
    {
      keyId: 'k-3f9b',
      name: 'encoder room',
      secretHash: 'b'.repeat(64),
      scopes: ['publish', 'view'],
      expiresAtMs: 1790003600000,
      tenant: 'acme',
      contexts: ['stream'],
      ratePerMinute: 600,
    },
    {
      keyId: 'k-3f9c',
      name: 'newsroom',
      secretHash: 'b'.repeat(64),
      scopes: ['publish'],
      expiresAtMs: 0,
      tenant: 'acme',
      contexts: ['content', 'playback'],
      ratePerMinute: null,
    },
  ],
});

export const keyRotated = defineEvent({
  type: 'key.rotated',
  version: 2,
  context: 'access',
  meaning: 'An API key got a new secret; the one before works a little longer.',
  schema: z.object({
    keyId: id,
    secretHash,
    /** When the secret before stops working, ms since the Unix epoch. */
    previousUntilMs: millis,
    reason: text,
  }),
  key: (data) => data.keyId,
  upcasters: [withoutReason],
  samples: [
    { keyId: 'k-3f9a', secretHash: 'c'.repeat(64), previousUntilMs: 1790003600000 },
    { keyId: 'k-3f9a', secretHash: 'c'.repeat(64), previousUntilMs: 1790003600000, reason: 'once a year' },
  ],
});

export const keyRevoked = defineEvent({
  type: 'key.revoked',
  version: 1,
  context: 'access',
  meaning: 'An API key was revoked.',
  schema: z.object({ keyId: id, reason: text }),
  key: (data) => data.keyId,
  samples: [{ keyId: 'k-3f9a', reason: 'rotated' }],
});

export const tenantCreated = defineEvent({
  type: 'tenant.created',
  version: 1,
  context: 'access',
  meaning: 'A tenant was created: a circle of keys, streams and events that others cannot see.',
  schema: z.object({ tenantId, name }),
  /** Apart from the ids of keys, which a tenant could be named like. */
  key: (data) => `tenant:${data.tenantId}`,
  samples: [{ tenantId: 'acme', name: 'Acme TV' }],
});

export const tenantSuspended = defineEvent({
  type: 'tenant.suspended',
  version: 1,
  context: 'access',
  meaning: 'A tenant was suspended: its credentials open nothing, and its publishers are cut off, until it is resumed.',
  schema: z.object({ tenantId, reason: text.max(200).regex(withoutNul) }),
  key: (data) => `tenant:${data.tenantId}`,
  samples: [{ tenantId: 'acme', reason: 'unpaid' }],
});

export const tenantResumed = defineEvent({
  type: 'tenant.resumed',
  version: 2,
  context: 'access',
  meaning: 'A suspended tenant may go on.',
  schema: z.object({ tenantId, reason: text.max(200).regex(withoutNul) }),
  key: (data) => `tenant:${data.tenantId}`,
  upcasters: [withoutReason],
  samples: [{ tenantId: 'acme' }, { tenantId: 'acme', reason: 'has paid' }],
});

export const accessRefused = defineEvent({
  type: 'access.refused',
  version: 3,
  context: 'access',
  meaning: 'Somebody was refused, once or several times within a minute.',
  schema: z.object({
    /** Network address; empty for all those together that came after too many others. */
    address: personalIdentifier(z.string().max(64)),
    /** `anonymous`, or who it was: `key:<id>`, `jwt:<subject>`; of a credential that did not hold, who it claimed to be. */
    who: z.string().min(1).max(256).regex(withoutNul),
    /** Id of the operation in the OpenAPI document, or the method of the gRPC service. */
    operation: z.string().max(128),
    /** `no-credential`, `wrong-secret`, `rate-limited` …: one of the gateway's refusal reasons. */
    reason: word,
    count: count.min(1),
    /** Of these refusals, ms since the Unix epoch. */
    firstAtMs: millis,
    lastAtMs: millis,
  }),
  key: (data) => data.address || 'many',
  subject: (data) => `refusals/${data.address || 'many'}`,
  dataSubject: (data) => addressSubject(data.address),
  // Version 1 named the reasons by a closed list; version 2 had the address in clear.
  upcasters: [(data) => data, (data) => data],
  samples: [
    {
      address: '192.0.2.9',
      who: 'key:k-3f9b',
      operation: 'issueKey',
      reason: 'missing-scope',
      count: 1,
      firstAtMs: 1790000000000,
      lastAtMs: 1790000000000,
    },
    {
      address: '192.0.2.7',
      who: 'anonymous',
      operation: 'listStreams',
      reason: 'no-credential',
      count: 12,
      firstAtMs: 1790000000000,
      lastAtMs: 1790000041000,
    },
    {
      address: 'sealed:v1:k7Qm2Zx0Rt4Yb8Nc1Vd5Ww:*:pT4mQz7rXb2k9Lw4Tn1cYp6sDf3gJ8aE5uRi0oHvBxKyMqNtWz2e',
      who: 'anonymous',
      operation: 'listStreams',
      reason: 'no-credential',
      count: 12,
      firstAtMs: 1790000000000,
      lastAtMs: 1790000041000,
    },
  ],
});

export type KeyEventDefinition = typeof keyIssued | typeof keyRotated | typeof keyRevoked;
export type TenantEventDefinition = typeof tenantCreated | typeof tenantSuspended | typeof tenantResumed;
export type AccessEventDefinition = KeyEventDefinition | TenantEventDefinition | typeof accessRefused;
