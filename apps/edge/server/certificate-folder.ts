import { hasCode, OperatingError } from '#kernel';
import { readIdentity, stampOf, timeProblem, type Logger, type TlsFiles, type TlsIdentity } from '#runtime';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the certificates are: one pair, or a folder of pairs `name.crt` and `name.key`. */
export type CertificateSource = { readonly kind: 'pair'; readonly files: TlsFiles } | { readonly kind: 'folder'; readonly path: string };

export interface CertificateFolderDeps {
  readonly logger: Logger;
  readonly now: () => number;
}

/** How often the files are looked at; a change counts once it has lasted from one look to the next, so that none is read half written. */
export const certificateCheckMs = 1000;

/** A certificate of this file name is shown to clients that name no host, or none that is known. */
const defaultName = 'default';

/** The pairs of a folder by name, the default first. @throws OperatingError `CERTIFICATE_INVALID` */
async function pairsIn(source: CertificateSource): Promise<readonly TlsFiles[]> {
  if (source.kind === 'pair') return [source.files];
  const { path } = source;
  const names = await readdir(path).catch((cause: unknown) => {
    throw new OperatingError(`The folder of certificates ${path} cannot be read.`, { code: 'CERTIFICATE_INVALID', retryable: false, cause });
  });
  const certs = names.filter((name) => name.endsWith('.crt')).map((name) => name.slice(0, -'.crt'.length));
  certs.sort((a, b) => Number(b === defaultName) - Number(a === defaultName) || (a < b ? -1 : 1));
  return certs.map((name) => ({ certPath: join(path, `${name}.crt`), keyPath: join(path, `${name}.key`) }));
}

/**
 * The certificates that the edge shows, read again whenever files change. A pair that cannot be used is told and left out;
 * while none can be, the last ones stay.
 */
export class CertificateFolder {
  readonly #source: CertificateSource;
  readonly #deps: CertificateFolderDeps;
  #identities: readonly TlsIdentity[] = [];
  #read = '';
  #seen = '';
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  private constructor(source: CertificateSource, deps: CertificateFolderDeps) {
    this.#source = source;
    this.#deps = deps;
  }

  /** @throws OperatingError `CERTIFICATE_INVALID` when there is nothing to serve with. */
  static async open(source: CertificateSource, deps: CertificateFolderDeps): Promise<CertificateFolder> {
    const folder = new CertificateFolder(source, deps);
    const pairs = await pairsIn(source);
    folder.#read = folder.#seen = await folder.#stamp(pairs);
    const read = await folder.#readAll(pairs);
    const [first] = read.failures;
    if (read.identities.length === 0)
      throw (
        first ??
        new OperatingError(`There is no certificate (name.crt, name.key) in ${source.kind === 'folder' ? source.path : ''}.`, {
          code: 'CERTIFICATE_INVALID',
          retryable: false,
        })
      );
    folder.#identities = read.identities;
    return folder;
  }

  /** At least one; the first is for clients that name no host. */
  get identities(): readonly TlsIdentity[] {
    return this.#identities;
  }

  /** The earliest end of a certificate, ms since the epoch. */
  get validTo(): number {
    return Math.min(...this.#identities.map(({ validTo }) => validTo));
  }

  /** Looks at the files until stopped. @param take called with every set that comes later; what it throws is told, and the old set stays in use */
  watch(take: (identities: readonly TlsIdentity[]) => Promise<void>): void {
    this.#timer = setInterval(() => {
      this.#looking ??= this.#look(take).finally(() => (this.#looking = undefined));
    }, certificateCheckMs);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(take: (identities: readonly TlsIdentity[]) => Promise<void>): Promise<void> {
    const { logger } = this.#deps;
    try {
      const pairs = await pairsIn(this.#source);
      const stamp = await this.#stamp(pairs);
      const isSettled = stamp === this.#seen;
      this.#seen = stamp;
      if (!isSettled || stamp === this.#read) return;
      this.#read = stamp;
      const { identities } = await this.#readAll(pairs);
      if (identities.length === 0) return logger.error('no certificate can be used any more; the old ones stay');
      await take(identities);
      this.#identities = identities;
      logger.info({ names: identities.flatMap(({ names }) => names) }, 'new certificates are in use; connections go on');
    } catch (err) {
      logger.error({ err }, 'the certificates cannot be taken over; the old ones stay');
    }
  }

  async #readAll(pairs: readonly TlsFiles[]): Promise<{ identities: TlsIdentity[]; failures: OperatingError[] }> {
    const identities: TlsIdentity[] = [];
    const failures: OperatingError[] = [];
    for (const files of pairs) {
      try {
        const identity = await readIdentity(files);
        const problem = timeProblem(identity, this.#deps.now());
        if (problem !== undefined) this.#deps.logger.error(`the certificate ${files.certPath} ${problem}`);
        identities.push(identity);
      } catch (err) {
        if (!hasCode(err, 'CERTIFICATE_INVALID')) throw err;
        failures.push(err as OperatingError);
        this.#deps.logger.error({ err }, `the certificate ${files.certPath} cannot be used and is left out`);
      }
    }
    return { identities, failures };
  }

  async #stamp(pairs: readonly TlsFiles[]): Promise<string> {
    const stamps = await Promise.all(pairs.map(async (files) => `${files.certPath} ${await stampOf(files)}`));
    return stamps.join('\n');
  }
}
