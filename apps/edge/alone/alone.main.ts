import { hasCode } from '#kernel';
import { misconfigured } from '#runtime';
import { runAlone } from './edge-alone.ts';
import { readSite } from './site.config.ts';

try {
  await runAlone(readSite(process.argv[2] ?? ''));
} catch (error) {
  const taken = hasCode(error, 'EADDRINUSE');
  if (!taken && !hasCode(error, 'SETTING_INVALID') && !hasCode(error, 'CERTIFICATE_INVALID')) throw error;
  process.stderr.write(taken ? 'The port is taken: stop what listens there, or set another one (listen).\n' : `${(error as Error).message}\n`);
  process.exit(misconfigured);
}
