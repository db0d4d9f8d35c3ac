import { OperatingError, type Millis } from '#kernel';
import type { Clock } from '#ports';
import { readIdentity, stampOf, timeProblem, type Logger, type TlsFiles, type TlsIdentity } from '#runtime';

export interface CertificateKeeperDeps {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How often the files are looked at; a change counts once it has lasted from one look to the next, so that none is read half written. */
export const certificateCheckMs = 2_000;

/**
 * The certificate in use. Files that change are taken over while sessions go on; what cannot be used is told and the old
 * certificate stays. One that has expired is served all the same: publishers that do not check go on, and plain RTMP too.
 */
export class CertificateKeeper {
  readonly #files: TlsFiles;
  readonly #deps: CertificateKeeperDeps;
  readonly #takers: Array<(identity: TlsIdentity) => void> = [];
  #identity: TlsIdentity;
  /** Of the files as they were last read, and as they were at the last look. */
  #read: string;
  #seen: string;
  #timer: NodeJS.Timeout | undefined;

  private constructor(files: TlsFiles, deps: CertificateKeeperDeps, identity: TlsIdentity, stamp: string) {
    this.#files = files;
    this.#deps = deps;
    this.#identity = identity;
    this.#read = this.#seen = stamp;
  }

  /** @throws OperatingError `CERTIFICATE_INVALID` when the files cannot serve at all. */
  static async open(files: TlsFiles, deps: CertificateKeeperDeps): Promise<CertificateKeeper> {
    const stamp = await stampOf(files);
    const keeper = new CertificateKeeper(files, deps, await readIdentity(files), stamp);
    keeper.#warnOfTime(keeper.#identity);
    return keeper;
  }

  get identity(): TlsIdentity {
    return this.#identity;
  }

  /** Below zero once it has expired. */
  secondsLeft(now: Millis): number {
    return Math.floor((this.#identity.validTo - now) / 1000);
  }

  /** Called with every certificate that comes later. */
  onChange(take: (identity: TlsIdentity) => void): void {
    this.#takers.push(take);
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), certificateCheckMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Takes the files over if they changed before the last look and not since. */
  async look(): Promise<void> {
    const stamp = await stampOf(this.#files);
    const isSettled = stamp === this.#seen;
    this.#seen = stamp;
    if (!isSettled || stamp === this.#read) return;
    this.#read = stamp;
    try {
      this.#take(await readIdentity(this.#files));
    } catch (err) {
      if (!(err instanceof OperatingError)) throw err;
      this.#deps.logger.error({ err }, 'the new RTMPS certificate cannot be used; the old one stays');
    }
  }

  #take(identity: TlsIdentity): void {
    const expiresAt = new Date(identity.validTo).toISOString();
    if (this.#warnOfTime(identity)) return;
    this.#identity = identity;
    for (const take of this.#takers) take(identity);
    this.#deps.logger.info({ expiresAt }, 'a new RTMPS certificate is in use; sessions go on');
  }

  #warnOfTime(identity: TlsIdentity): boolean {
    const problem = timeProblem(identity, this.#deps.clock.now());
    if (problem !== undefined) this.#deps.logger.error(`the RTMPS certificate ${this.#files.certPath} ${problem}`);
    return problem !== undefined;
  }
}
