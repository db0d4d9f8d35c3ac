import { hasCode } from '#kernel';
import { misconfigured } from '#runtime';
import { runAlone } from './edge-alone.ts';
import { readSite } from './site.config.ts';

let ports: { readonly listen?: number; readonly tlsPort?: number | undefined } = {};
try {
  const site = readSite(process.argv[2] ?? '');
  ports = { listen: site.port, tlsPort: site.tls?.port };
  await runAlone(site);
} catch (error) {
  const taken = hasCode(error, 'EADDRINUSE');
  if (!taken && !hasCode(error, 'SETTING_INVALID') && !hasCode(error, 'CERTIFICATE_INVALID')) throw error;
  const { port = ports.listen } = error as { readonly port?: number };
  const setting = port === ports.tlsPort ? 'tlsPort' : 'listen';
  process.stderr.write(taken ? `Port ${port} is taken: stop what listens there, or set another one (${setting}).\n` : `${(error as Error).message}\n`);
  process.exit(misconfigured);
}
