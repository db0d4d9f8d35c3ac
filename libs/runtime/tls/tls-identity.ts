import { OperatingError, type Millis } from '#kernel';
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { TlsFiles } from '../rtmps.config.ts';

/** A certificate and its private key, looked at. */
export interface TlsIdentity {
  /** PEM, the chain included. */
  readonly cert: string;
  readonly key: string;
  /** DNS names and addresses that the first certificate is for, in lower case; a wildcard as it stands. */
  readonly names: readonly string[];
  /** Ms since the Unix epoch. */
  readonly validFrom: Millis;
  readonly validTo: Millis;
}

/** @throws OperatingError `CERTIFICATE_INVALID` that names the file and what is wrong with it. */
export async function readIdentity({ certPath, keyPath }: TlsFiles): Promise<TlsIdentity> {
  const cert = await readPem(certPath, 'certificate');
  const key = await readPem(keyPath, 'private key');
  const leaf = parsed(() => new X509Certificate(cert), `${certPath} is no certificate in PEM`);
  const privateKey: KeyObject = parsed(() => createPrivateKey(key), `${keyPath} is no private key in PEM, or needs a password`);
  if (!leaf.checkPrivateKey(privateKey)) throw invalid(`The private key in ${keyPath} is not the one of the first certificate in ${certPath}`);
  return { cert, key, names: namesOf(leaf), validFrom: Date.parse(leaf.validFrom), validTo: Date.parse(leaf.validTo) };
}

/** RFC 9525 section 2: the subject's common name counts no more; it is taken where a certificate names nothing else. */
function namesOf(leaf: X509Certificate): readonly string[] {
  const alternative = [...(leaf.subjectAltName ?? '').matchAll(/(?:DNS|IP Address):([^,\s"]+)/g)].map((match) => (match[1] as string).toLowerCase());
  if (alternative.length > 0) return alternative;
  const common = /^CN=(\S+)$/m.exec(leaf.subject)?.[1];
  return common === undefined ? [] : [common.toLowerCase()];
}

/** Says whether a file is another one or was written: also through links that are swapped, as Kubernetes mounts secrets. */
export async function stampOf({ certPath, keyPath }: TlsFiles): Promise<string> {
  const stamps = [certPath, keyPath].map(async (path) => {
    const file = await stat(path, { bigint: true }).catch(() => undefined);
    return file === undefined ? 'missing' : `${file.dev}:${file.ino}:${file.size}:${file.mtimeNs}`;
  });
  return (await Promise.all(stamps)).join(' ');
}

/** Why clients that check certificates would refuse this one now; undefined when its time is right. */
export function timeProblem({ validFrom, validTo }: TlsIdentity, now: Millis): string | undefined {
  if (now > validTo) return `expired on ${new Date(validTo).toISOString()}`;
  return now < validFrom ? `is not valid before ${new Date(validFrom).toISOString()}` : undefined;
}

async function readPem(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw invalid(`The ${what} ${path} cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown'})`, cause);
  }
}

function parsed<T>(parse: () => T, otherwise: string): T {
  try {
    return parse();
  } catch (cause) {
    throw invalid(otherwise, cause);
  }
}

function invalid(message: string, cause?: unknown): OperatingError {
  return new OperatingError(`${message}.`, { code: 'CERTIFICATE_INVALID', retryable: false, cause });
}
