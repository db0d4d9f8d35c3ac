import { describe } from '@jest/globals';
import { useSubject, type SubjectFactory } from '../subject.ts';
import { checkpointCases, partitionCases } from './checkpoint.cases.ts';
import type { ProjectionSubject } from './fixture.ts';
import { joinCases, valueCases } from './join.cases.ts';
import { parkedCases } from './parked.cases.ts';
import { selectCases } from './select.cases.ts';
import { manyRowsCases } from './many-rows.cases.ts';
import { togetherCases } from './together.cases.ts';
import { totalsCases } from './totals.cases.ts';

export type { ProjectionSubject } from './fixture.ts';

/** What every projection store and the read store over it promise. */
export function projectionStoreConformance(name: string, factory: SubjectFactory<ProjectionSubject>): void {
  describe(`${name} is a projection store with a read store`, () => {
    const subject = useSubject(factory);
    checkpointCases(() => subject().port);
    partitionCases(() => subject().port);
    togetherCases(() => subject().port);
    parkedCases(() => subject().port);
    manyRowsCases(() => subject().port);
    joinCases(() => subject().port);
    valueCases(() => subject().port);
    selectCases(() => subject().port);
    totalsCases(() => subject().port);
  });
}
