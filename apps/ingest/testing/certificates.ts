import { execFileSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder with certificates that openssl makes. */
export class Certificates {
  readonly folder = mkdtempSync(join(tmpdir(), 'streams-rtmps-'));
  readonly certPath = join(this.folder, 'tls.crt');
  readonly keyPath = join(this.folder, 'tls.key');

  /** Writes a new pair for `localhost`; the certificate trusts itself. */
  write(name = 'localhost'): this {
    this.make(this.certPath, this.keyPath, name);
    return this;
  }

  make(certPath: string, keyPath: string, name: string): void {
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name},IP:127.0.0.1`];
    const drafts = [`${certPath}.draft`, `${keyPath}.draft`] as const;
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', drafts[1]];
    execFileSync('openssl', ['req', '-x509', ...key, '-out', drafts[0], '-days', '30', ...subject], { stdio: 'ignore' });
    renameSync(drafts[0], certPath);
    renameSync(drafts[1], keyPath);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
