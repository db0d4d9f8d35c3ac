/**
 * What a purge can name about an object besides its key is a label: its tags, its host, its zone, its tenant. A label is
 * a number of 53 bits made of the text, the same in every process and after every restart, so nothing has to be looked
 * up, kept or agreed on. Two texts that share one by chance are purged together, which costs a fill and never a promise.
 */
export type PurgeLabel = number;

const seeds = [0xdeadbeef, 0x41c6ce57] as const;
const factors = [0x9e3779b1, 0x5f356495] as const;

/** Hashes a text step by step, so that every beginning of it has its hash, too. */
export class TextHash {
  #low: number = seeds[0];
  #high: number = seeds[1];

  add(code: number): void {
    this.#low = Math.imul(this.#low ^ code, factors[0]);
    this.#high = Math.imul(this.#high ^ code, factors[1]);
  }

  addText(text: string): this {
    for (let at = 0; at < text.length; at++) this.add(text.charCodeAt(at));
    return this;
  }

  /** Of all that was added so far. */
  get value(): number {
    const low = (this.#low ^ (this.#high >>> 15)) >>> 0;
    const high = (this.#high ^ (this.#low >>> 13)) & 0x1f_ffff;
    return high * 0x1_0000_0000 + low;
  }
}

export function hashOf(text: string): number {
  return new TextHash().addText(text).value;
}

/** Tags are compared without regard to case, as Cloudflare does: who writes them twice means the same. */
export function tagLabel(tag: string, tenant?: string): PurgeLabel {
  return hashOf(tenant === undefined ? `tag ${tag.toLowerCase()}` : `tag ${tenant} ${tag.toLowerCase()}`);
}

export function hostLabel(host: string): PurgeLabel {
  return hashOf(`host ${host.toLowerCase()}`);
}

export function zoneLabel(zone: string): PurgeLabel {
  return hashOf(`zone ${zone}`);
}

export function tenantLabel(tenant: string): PurgeLabel {
  return hashOf(`tenant ${tenant}`);
}
