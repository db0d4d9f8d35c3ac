import type { Provider } from '@nestjs/common';
import type { GatewayEngines } from '../gateway-engines.ts';
import { SandboxReader } from './sandbox-reader.ts';
import { SandboxRules } from './sandbox-rules.ts';
import type { SandboxSettings } from './sandbox.config.ts';

/** Read models of a part of the log, beside those that serve. */
export function sandboxProviders(engines: GatewayEngines, settings: SandboxSettings): Provider[] {
  return [
    { provide: SandboxReader, useValue: new SandboxReader(engines) },
    { provide: SandboxRules, useValue: new SandboxRules(settings) },
  ];
}
