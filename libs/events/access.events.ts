import { z } from 'zod';
import { defineEvent } from './define.ts';
import { id, millis, text, withoutNul } from './fields.ts';

export const scopes = ['publish', 'operate', 'view', 'edge', 'admin'] as const;

export const keyIssued = defineEvent({
  type: 'key.issued',
  version: 1,
  context: 'access',
  meaning: 'An API key was issued; its secret is known only as a hash.',
  schema: z.object({
    keyId: id,
    name: z.string().min(1).max(200).regex(withoutNul),
    /** SHA-256 of the secret part, hex. The secret has 256 bits of entropy, so a slow hash would add nothing. */
    secretHash: z.string().regex(/^[0-9a-f]{64}$/),
    scopes: z.array(z.enum(scopes)).min(1),
    /** 0 for never. */
    expiresAtMs: millis,
  }),
  key: (data) => data.keyId,
  samples: [{ keyId: 'k-3f9a', name: 'admin', secretHash: 'b'.repeat(64), scopes: ['admin'], expiresAtMs: 0 }],
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

export type AccessEventDefinition = typeof keyIssued | typeof keyRevoked;
