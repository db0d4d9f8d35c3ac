/** What one tenant's publishers may take; a limit that is left out is none. */
export interface TenantLimits {
  /** Streams that are live at once. */
  readonly streams?: number;
  /** Bits per second of one publisher, audio and container included. */
  readonly bitrate?: number;
  /** Lines of the picture, counted on its shorter side. */
  readonly height?: number;
}

const names = ['streams', 'bitrate', 'height'] as const;
const entry = /^(\*|[a-z0-9][a-z0-9-]{0,62})=(.+)$/;

/** Limits by tenant, with `*` for those that are not named. */
export class LimitBook {
  readonly #limits: ReadonlyMap<string, TenantLimits>;

  private constructor(limits: ReadonlyMap<string, TenantLimits>) {
    this.#limits = limits;
  }

  /**
   * `acme=streams:5,bitrate:8000000,height:1080;*=streams:100`: entries between semicolons.
   * @returns what cannot be read, or the book
   */
  static parse(text: string): LimitBook | string {
    const limits = new Map<string, TenantLimits>();
    for (const part of text.split(';').filter((one) => one.trim() !== '')) {
      const [, tenant, list] = entry.exec(part.trim()) ?? [];
      const read = list === undefined ? undefined : readLimits(list);
      if (tenant === undefined || read === undefined || limits.has(tenant)) return part;
      limits.set(tenant, read);
    }
    return new LimitBook(limits);
  }

  of(tenant: string): TenantLimits {
    return this.#limits.get(tenant) ?? this.#limits.get('*') ?? {};
  }
}

function readLimits(list: string): TenantLimits | undefined {
  const limits: Partial<Record<(typeof names)[number], number>> = {};
  for (const part of list.split(',')) {
    const [name, value = ''] = part.trim().split(':');
    const known = names.find((one) => one === name);
    if (known === undefined || !/^\d{1,12}$/.test(value) || limits[known] !== undefined) return undefined;
    limits[known] = Number(value);
  }
  return limits;
}
