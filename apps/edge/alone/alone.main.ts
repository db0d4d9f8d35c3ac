import { hasCode } from '#kernel';
import { misconfigured } from '#runtime';
import { runAlone } from './edge-alone.ts';
import { readSite, type SiteSettings } from './site.config.ts';

let site: Partial<Pick<SiteSettings, 'host' | 'port' | 'tls'>> = {};
try {
  const settings = readSite(process.argv[2] ?? '');
  site = settings;
  await runAlone(settings);
} catch (error) {
  const told = problemOf(error);
  if (told === undefined) throw error;
  process.stderr.write(`${told}\n`);
  process.exit(misconfigured);
}

/** What a file asks for that cannot be had, in one line; undefined for anything else. */
function problemOf(error: unknown): string | undefined {
  const { port = site.port } = error as { readonly port?: number };
  const setting = port === site.tls?.port ? 'tlsPort' : 'listen';
  if (hasCode(error, 'EADDRINUSE')) return `Port ${port} is taken: stop what listens there, or set another one (${setting}).`;
  if (hasCode(error, 'EADDRNOTAVAIL')) return `${site.host} is no address of this machine: name one that is, or the port alone (listen).`;
  return hasCode(error, 'SETTING_INVALID') || hasCode(error, 'CERTIFICATE_INVALID') ? (error as Error).message : undefined;
}
