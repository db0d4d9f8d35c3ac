import type { Provider } from '@nestjs/common';
import type { GatewaySettings } from '../gateway.config.ts';
import type { GatewayEngines } from '../gateway-engines.ts';
import { SubjectErasure } from './subject-erasure.ts';
import { SubjectExport } from './subject-export.ts';
import { SubjectKeyring } from './subjects.controller.ts';

/** What is asked about personal data. */
export function subjectProviders(
  { subjectKeys: store, keptErasures: kept, master, personal, aggregates, leases, clock, ids, log, reads }: GatewayEngines,
  { node, hasRegions }: Pick<GatewaySettings, 'node' | 'hasRegions'>,
): Provider[] {
  return [
    {
      provide: SubjectErasure,
      useValue: new SubjectErasure({ store, master, personal, aggregates, leases, clock, ids, source: `/gateway/${node}`, hasRegions }),
    },
    { provide: SubjectExport, useValue: new SubjectExport({ log, reads, personal }) },
    { provide: SubjectKeyring, useValue: { store, master, kept, secrets: personal.keys.secrets } satisfies SubjectKeyring },
  ];
}
