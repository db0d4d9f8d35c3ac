import { createHmac } from 'node:crypto';

export interface RegionSecretsInit {
  /** The secret that regions share; undefined where there is none. */
  readonly current?: string | undefined;
  /** Secrets by which regions named subjects before. */
  readonly former?: readonly string[];
}

/** Why an erasure of another region is kept: by the secret that names its subject, or, where that is ours, because our own keys are locked. */
export type KeptBecause = 'another-secret' | 'no-secret' | 'locked';

interface Secret {
  readonly secret: string;
  readonly check: string;
}

/** By what regions name subjects to each other: a keyed hash of the name, and one of nothing but the secret, to know it again by. */
export class RegionSecrets {
  readonly #current: Secret | undefined;
  readonly #all: readonly Secret[];

  constructor({ current, former = [] }: RegionSecretsInit = {}) {
    this.#all = [current, ...former].flatMap((secret) => (secret === undefined ? [] : [{ secret, check: standIn(secret, 'check\nregion secret') }]));
    this.#current = current === undefined ? undefined : this.#all[0];
  }

  /** What stands for the secret that counts; undefined where there is none. */
  get check(): string | undefined {
    return this.#current?.check;
  }

  /** What stands for each secret that this region has or had, the one that counts first. */
  get checks(): readonly string[] {
    return this.#all.map(({ check }) => check);
  }

  /** Why an erasure that was asked for by such a secret is not done. */
  whyKept(check: string): KeptBecause {
    if (this.checks.includes(check)) return 'locked';
    return this.check === undefined ? 'no-secret' : 'another-secret';
  }

  /** What stands for a subject in all regions that share a secret, by default the one that counts; undefined without that secret. */
  standInOf(subject: string, check = this.check): string | undefined {
    const found = this.#all.find((one) => one.check === check);
    return found === undefined ? undefined : standIn(found.secret, `subject\n${subject}`);
  }
}

/** What is hashed begins with what it is for: no name of a subject gives what stands for the secret. */
function standIn(secret: string, text: string): string {
  return createHmac('sha256', secret).update(text).digest().toString('base64url', 0, 16);
}
