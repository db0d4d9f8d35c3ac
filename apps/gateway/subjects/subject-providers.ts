import type { Provider } from '@nestjs/common';
import type { GatewayEngines } from '../gateway-engines.ts';
import { SubjectErasure } from './subject-erasure.ts';
import { SubjectExport } from './subject-export.ts';
import { SubjectKeyring } from './subjects.controller.ts';

/** What is asked about personal data. */
export function subjectProviders(
  { subjectKeys: store, master, personal, aggregates, leases, clock, ids, log, reads }: GatewayEngines,
  node: string,
): Provider[] {
  return [
    { provide: SubjectErasure, useValue: new SubjectErasure({ store, master, personal, aggregates, leases, clock, ids, source: `/gateway/${node}` }) },
    { provide: SubjectExport, useValue: new SubjectExport({ log, reads, personal }) },
    { provide: SubjectKeyring, useValue: { store, master } satisfies SubjectKeyring },
  ];
}
