import { describe } from '@jest/globals';
import type { EventLog } from '../../event-log.port.ts';
import type { SubjectFactory } from '../subject.ts';
import { appendCases, contentCases, identityCases, topicCases } from './append.cases.ts';
import { useLog } from './fixture.ts';
import { expectedVersionCases, fencingCases, producerCases } from './producer.cases.ts';
import { headCases, readCases } from './read.cases.ts';
import { restoreCases } from './restore.cases.ts';
import { closingCases, waitCases } from './wait.cases.ts';

/** What every event log promises. */
export function eventLogConformance(name: string, factory: SubjectFactory<EventLog>): void {
  describe(`${name} is an event log`, () => {
    const fixture = useLog(factory);
    topicCases(fixture);
    identityCases(fixture);
    appendCases(fixture);
    contentCases(fixture);
    producerCases(fixture);
    fencingCases(fixture);
    expectedVersionCases(fixture);
    readCases(fixture);
    headCases(fixture);
    waitCases(fixture);
    restoreCases(fixture);
    closingCases(fixture);
  });
}
