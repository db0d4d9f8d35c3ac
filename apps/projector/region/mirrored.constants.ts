import { subjectsProjection } from '#domain/access';
import { contexts, type DomainEvent } from '#events';
import type { Projection } from '#kernel';

/** What operators ask of one region is that region's own business; everything else is of all of them. */
export const mirroredTopics = contexts.filter((context) => context !== 'operation');

/** Read models made of mirrored events alone: their rows are the same everywhere, but for where personal data is in each log. */
export function mirroredProjections(projections: readonly Projection<DomainEvent>[]): readonly Projection<DomainEvent>[] {
  const alike = projections.filter((projection) => projection !== subjectsProjection);
  return alike.filter((projection) => projection.contexts.every((context) => mirroredTopics.some((topic) => topic === context)));
}
