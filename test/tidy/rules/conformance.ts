import type { Rule } from '../project.ts';
import type { SourceFile } from '../source-file.ts';
import { unitOf } from './layers.ts';

/** The suite that holds each port's adapters to it. Some ports are tried together with the one that feeds them. */
const suites: Readonly<Record<string, string | undefined>> = {
  AggregateStore: 'aggregateStoreConformance',
  Outbox: 'aggregateStoreConformance',
  BlobStore: 'blobStoreConformance',
  EffectStore: 'effectStoreConformance',
  EventLog: 'eventLogConformance',
  JobQueue: 'jobQueueConformance',
  LeaseStore: 'leaseStoreConformance',
  LedgerStore: 'ledgerStoreConformance',
  ParkedEvents: 'projectionStoreConformance',
  MasterKey: 'masterKeyConformance',
  ProjectionBuilds: 'projectionBuildsConformance',
  PastStore: 'pastStoreConformance',
  EventIndex: 'eventIndexConformance',
  ProjectionStore: 'projectionStoreConformance',
  PublicationStore: 'publicationStoreConformance',
  RateLimiter: 'rateLimiterConformance',
  ReadStore: 'projectionStoreConformance',
  SubjectKeyStore: 'subjectKeyStoreConformance',
  KeptErasures: 'subjectKeyStoreConformance',
  ReadTotals: 'projectionStoreConformance',
};

/** Ports of one method, or with one adapter: there is nothing to agree on. */
const withoutSuite = new Set(['Clock', 'IdSource', 'ProcessRunner', 'RunningProcess', 'SecretStore', 'HeadProgress']);

function portNames(files: readonly SourceFile[]): ReadonlySet<string> {
  const names = files
    .filter((file) => /^libs\/ports\/[^/]+\.port\.ts$/.test(file.path))
    .flatMap((file) => [...file.text.matchAll(/export abstract class (\w+)/g)].map((match) => match[1] ?? ''));
  return new Set(names);
}

/** An adapter of a port proves in its own library that it does what the port says. */
export const adaptersConform: Rule = (files) => {
  const ports = portNames(files);
  const adapters = files.filter((file) => file.path.startsWith('libs/adapters/') && !file.isTest);
  return adapters.flatMap((file) =>
    file.syntax.heritage
      .filter((one) => ports.has(one.parent) && !withoutSuite.has(one.parent))
      .flatMap((one) => {
        const suite = suites[one.parent];
        if (suite === undefined) return [`${file.path}: the port ${one.parent} has no conformance suite`];
        const isTried = files.some(
          (spec) =>
            spec.isTest &&
            unitOf(spec.path) === unitOf(file.path) &&
            spec.imports.some((each) => each.text === '#ports/conformance' && each.names.includes(suite)),
        );
        return isTried ? [] : [`${file.path}: ${one.className} is not tried by ${suite}`];
      }),
  );
};
