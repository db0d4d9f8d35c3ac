import { execFileSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { join } from 'node:path';

/** Writes a pair that trusts itself, both files at once: `names` of which the first is the subject. */
export function writeCertificate(folder: string, file: string, names: readonly string[]): string {
  const [cert, key] = [join(folder, `${file}.crt`), join(folder, `${file}.key`)];
  const alternative = [...names.map((name) => `DNS:${name}`), 'IP:127.0.0.1'].join(',');
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${key}.draft`, '-out', `${cert}.draft`, '-days', '13'];
  execFileSync('openssl', ['req', '-x509', ...made, '-subj', `/CN=${names[0]}`, '-addext', `subjectAltName=${alternative}`], { stdio: 'ignore' });
  renameSync(`${cert}.draft`, cert);
  renameSync(`${key}.draft`, key);
  return cert;
}
