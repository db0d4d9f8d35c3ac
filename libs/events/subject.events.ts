import { z } from 'zod';
import { defineEvent } from './define.ts';
import { count, text } from './fields.ts';

const standIn = z.string().regex(/^[\w-]{22}$/);

/** Who it was is told by no event: the subject is a keyed hash of its name. */
const subjectFields = {
  subject: standIn,
  /** Of the keys that it had, by which encrypted values name them. */
  keyIds: z.array(standIn).min(1).max(1000),
  /** Why, for people; says nothing of who it was. */
  reason: text,
  /** Whose the keys are: what two tenants call alike are two subjects, each on its own record. Absent in events from before; those stand with whoever was first. */
  tenant: z.string().min(1).max(64).optional(),
};

const sample = { subject: 'Zt0Qm2Zx0Rt4Yb8Nc1Vd5W', keyIds: ['k7Qm2Zx0Rt4Yb8Nc1Vd5Ww'], reason: 'asked for it' };

const common = {
  context: 'access' as const,
  key: ({ subject, tenant }: { subject: string; tenant?: string | undefined }) =>
    tenant === undefined ? `subject:${subject}` : `subject:${subject}:${tenant}`,
};

/** Nobody can tell afterwards whose it was. */
const ofNoTenant = (data: unknown): unknown => data;

export const subjectErased = defineEvent({
  ...common,
  version: 4,
  type: 'subject.erased',
  meaning: 'The keys of a data subject in one region were destroyed: nobody can read what was encrypted under them any more.',
  schema: z.object({
    ...subjectFields,
    /** None where the subject is not known, and other regions are told of it. */
    keyIds: z.array(standIn).max(1000),
    /** What stands for the subject in all regions of one `REGION_SECRET`: the others destroy their own keys by it. Absent where they have nothing to do. */
    shared: standIn.optional(),
    /** What stands for the `REGION_SECRET` by which `shared` was made: a region with another one knows that it cannot know who is meant. */
    check: standIn.optional(),
    /** The one tenant for which it is erased; null for all. */
    ofTenant: z.string().min(1).max(64).nullable().optional(),
  }),
  upcasters: [(data) => data, (data) => data, ofNoTenant],
  samples: [
    sample,
    { ...sample, shared: 'Sh4r3dZx0Rt4Yb8Nc1Vd5W', ofTenant: null },
    { ...sample, shared: 'Sh4r3dZx0Rt4Yb8Nc1Vd5W', check: 'Ch3ckdZx0Rt4Yb8Nc1Vd5W', ofTenant: null },
    { ...sample, tenant: 'acme', shared: 'Sh4r3dZx0Rt4Yb8Nc1Vd5W', check: 'Ch3ckdZx0Rt4Yb8Nc1Vd5W', ofTenant: 'acme' },
  ],
});

export const subjectExported = defineEvent({
  ...common,
  version: 2,
  type: 'subject.exported',
  meaning: 'Somebody was given all that is stored of a data subject.',
  schema: z.object(subjectFields),
  upcasters: [ofNoTenant],
  samples: [
    { ...sample, reason: 'request for information' },
    { ...sample, reason: 'request for information', tenant: 'acme' },
  ],
});

export const masterKeyRotated = defineEvent({
  type: 'master-key.rotated',
  version: 1,
  context: 'access',
  meaning:
    'The keys of data subjects are wrapped by a new master key; what the one before had wrapped, in backups too, is as good as erased once it is destroyed.',
  schema: z.object({ masterId: z.string().min(1).max(256), rewrapped: count, reason: text }),
  key: () => 'master-key',
  samples: [{ masterId: 'mk-5f1c09d2a7b3e841', rewrapped: 4711, reason: 'once a year' }],
});

export const masterKeyGivenUp = defineEvent({
  type: 'master-key.given-up',
  version: 1,
  context: 'access',
  meaning: 'A master key is lost for good: keys of data subjects that it wraps were destroyed, and what was encrypted under them counts as erased.',
  schema: z.object({
    masterId: z.string().min(1).max(256),
    /** The keys that were destroyed; of many some in each of several events. */
    keyIds: z.array(standIn).max(1000),
    reason: text,
  }),
  key: () => 'master-key',
  samples: [{ masterId: 'mk-5f1c09d2a7b3e841', keyIds: ['k7Qm2Zx0Rt4Yb8Nc1Vd5Ww'], reason: 'the disk broke, and there is no copy' }],
});

export type SubjectEventDefinition = typeof subjectErased | typeof subjectExported | typeof masterKeyRotated | typeof masterKeyGivenUp;
