import type { Provider } from '@nestjs/common';
import { ResumeTokens } from '../events/resume-token.codec.ts';
import type { GatewayEngines } from '../gateway-engines.ts';
import { PastPlaylists } from '../origin/past-playlists.ts';
import { PastModels } from './past-models.ts';

/** Read models as they stood at a moment. */
export function pastProviders({ log, past, builds, clock, aggregates }: GatewayEngines): Provider[] {
  return [
    { provide: PastModels, useFactory: (tokens: ResumeTokens) => new PastModels({ log, past, builds, tokens, clock, aggregates }), inject: [ResumeTokens] },
    { provide: PastPlaylists, useFactory: (models: PastModels) => new PastPlaylists(models), inject: [PastModels] },
  ];
}
