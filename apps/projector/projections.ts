import { keysProjection } from '#domain/access';
import { purgesProjection } from '#domain/cache';
import { edgesProjection } from '#domain/edge';
import { streamsProjection } from '#domain/stream';
import type { DomainEvent } from '#events';
import type { Projection } from '#kernel';

/** Every read model of the platform. */
export const projections: readonly Projection<DomainEvent>[] = [streamsProjection, purgesProjection, edgesProjection, keysProjection];
