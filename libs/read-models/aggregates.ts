import { accessAggregate } from '#domain/access';
import { cacheContextAggregate } from '#domain/cache';
import { edgeAggregate, zoneContextAggregate } from '#domain/edge';
import { operationAggregate } from '#domain/operation';
import { streamContextAggregate } from '#domain/stream';

/** Every aggregate of the platform, the quickest to restore first. */
export const aggregates = [accessAggregate, operationAggregate, cacheContextAggregate, edgeAggregate, zoneContextAggregate, streamContextAggregate] as const;
