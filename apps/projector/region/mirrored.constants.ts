import { contexts, type DomainEvent } from '#events';
import type { Projection } from '#kernel';

/** What operators ask of one region is that region's own business; everything else is of all of them. */
export const mirroredTopics = contexts.filter((context) => context !== 'operation');

/** Read models made of mirrored events alone: their rows are the same everywhere. */
export function mirroredProjections(projections: readonly Projection<DomainEvent>[]): readonly Projection<DomainEvent>[] {
  return projections.filter((projection) => projection.contexts.every((context) => mirroredTopics.some((topic) => topic === context)));
}
