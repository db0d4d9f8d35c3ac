import { expect, test } from '@jest/globals';
import { readModels } from '../../apps/gateway/watch/read-models.ts';
import { projections } from '../../apps/projector/projections.ts';
import { knownProjections } from '../../apps/streams/parked/known-projections.ts';

test('the gateway shows every read model that the projector keeps', () => {
  expect(readModels.map(({ name, version }) => [name, version])).toEqual(projections.map(({ name, version }) => [name, version]));
});

test('an event that is parked can be tried on every one of them', () => {
  expect(knownProjections).toEqual(projections);
});
