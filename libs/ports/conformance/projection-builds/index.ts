import { describe } from '@jest/globals';
import { useSubject, type SubjectFactory } from '../subject.ts';
import { buildCases } from './build.cases.ts';
import { compareCases } from './compare.cases.ts';
import type { BuildsSubject } from './fixture.ts';
import { promoteCases, readerCases, rollBackCases } from './switch.cases.ts';

export type { BuildsSubject } from './fixture.ts';

/** What builds of read models beside the serving ones promise. */
export function projectionBuildsConformance(name: string, factory: SubjectFactory<BuildsSubject>): void {
  describe(`${name} builds read models beside those that serve`, () => {
    const subject = useSubject(factory);
    buildCases(() => subject().port);
    promoteCases(() => subject().port);
    rollBackCases(() => subject().port);
    readerCases(() => subject().port);
    compareCases(() => subject().port);
  });
}
