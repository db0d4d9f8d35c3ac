import { z } from 'zod';
import { defineEvent } from './define.ts';
import { count, id, text } from './fields.ts';

/**
 * What operators decide about edges stands beside the zones, in the topic that every edge reads to its end before it serves:
 * an edge's own topic is full of its reports.
 */
const common = { context: 'zone' as const, version: 1, key: (data: { edgeId: string }) => `edge:${data.edgeId}` };

export const edgeAdmitted = defineEvent({
  ...common,
  type: 'edge.admitted',
  meaning: 'An edge proved by its key that it may serve as one of ours; it may for as long as that key works.',
  schema: z.object({ edgeId: id, keyId: id }),
  samples: [{ edgeId: 'edge-1', keyId: 'k-3f9a' }],
});

export const edgeDrained = defineEvent({
  ...common,
  type: 'edge.drained',
  meaning: 'No client is sent to this edge any more; it serves those that come.',
  schema: z.object({ edgeId: id, reason: text }),
  samples: [{ edgeId: 'edge-1', reason: 'new disks' }],
});

export const edgeResumed = defineEvent({
  ...common,
  type: 'edge.resumed',
  meaning: 'A drained or removed edge is one of ours again.',
  schema: z.object({ edgeId: id, reason: text }),
  samples: [{ edgeId: 'edge-1', reason: 'disks are in' }],
});

export const edgeRemoved = defineEvent({
  ...common,
  type: 'edge.removed',
  meaning: 'An edge is none of ours any more: nobody is sent to it, and what it says about itself does not count.',
  schema: z.object({ edgeId: id, reason: text }),
  samples: [{ edgeId: 'edge-1', reason: 'the machine went back' }],
});

export const edgeScaleAdvised = defineEvent({
  context: 'zone',
  version: 1,
  type: 'edge.scale-advised',
  meaning: 'By its load a region should have so many edges from now on.',
  schema: z.object({
    region: id,
    /** Those that take clients. */
    current: count,
    desired: count,
    /** What those that there are have to do, of what they can, as they said when this was decided. */
    load: z.number().min(0),
    reason: text,
  }),
  key: (data) => `edges-of:${data.region}`,
  samples: [{ region: 'eu', current: 2, desired: 3, load: 0.82, reason: 'load 0.82 is above 0.60' }],
});

export type FleetEventDefinition = typeof edgeAdmitted | typeof edgeDrained | typeof edgeResumed | typeof edgeRemoved | typeof edgeScaleAdvised;
