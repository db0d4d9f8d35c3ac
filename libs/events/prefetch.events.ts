import { z } from 'zod';
import { defineEvent } from './define.ts';
import { bytes, cid, count, id, millis } from './fields.ts';

const share = z.number().min(0).max(1);
const zone = 'zn-7f3k2m9qabcdefgh';

/** It stands beside the zones, in the topic that every edge reads; what it names does not travel in the log. */
export const prefetchModelPublished = defineEvent({
  type: 'prefetch-model.published',
  version: 1,
  context: 'zone',
  meaning: 'By this model edges foresee what is asked for next of a zone, from now on; without a blob they foresee nothing there.',
  schema: z.object({
    /** Null for the platform’s own. */
    zone: id.nullable(),
    /** Of the zone’s models: each has the next. */
    number: z.number().int().positive(),
    /** Of the blob; null when the model before foresaw badly, and no better one is known. */
    cid: cid.nullable(),
    sizeBytes: bytes,
    /** When the newest request came that it was made of, ms since the Unix epoch. */
    trainedAtMs: millis,
    transitions: count,
    /** Requests that it was made of, since its maker began, and those that it was tried on. */
    learnedFrom: count,
    triedOn: count,
    /** Of what it foresaw of those, what was asked for; and of what was asked for, what it foresaw. */
    precision: share,
    coverage: share,
  }),
  key: (data) => `prefetch:${data.zone ?? 'platform'}`,
  samples: [
    {
      zone,
      number: 1,
      cid: 'bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy',
      sizeBytes: 5120,
      trainedAtMs: 1790000000000,
      transitions: 340,
      learnedFrom: 40_000,
      triedOn: 10_000,
      precision: 0.81,
      coverage: 0.64,
    },
  ],
});

export type PrefetchEventDefinition = typeof prefetchModelPublished;
