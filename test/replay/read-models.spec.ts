import { checkProjection } from '#adapters/postgres';
import { projections } from '#read-models';
import { expect, test } from '@jest/globals';

test.each(projections.map((projection) => [projection.name, projection] as const))('tables can be made of %s', (_, projection) => {
  expect(() => checkProjection(projection)).not.toThrow();
});
