import type { Provider } from '@nestjs/common';
import type { GatewayEngines } from '../gateway-engines.ts';
import { RetentionReader } from './retention-reader.ts';

/** Where the past of the log lies. */
export function retentionProviders({ sealedLog, reads, clock }: GatewayEngines): Provider[] {
  return [{ provide: RetentionReader, useValue: new RetentionReader({ sealedLog, reads, now: () => clock.now() }) }];
}
