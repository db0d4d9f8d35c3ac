/** What a caller shows as its bearer token: `sk_<keyId>_<secret>`. The prefix lets scanners find leaked keys. */
export interface ApiKey {
  readonly keyId: string;
  readonly secret: string;
}

const apiKeyPattern = /^sk_(k-[a-z0-9]{4,32})_([A-Za-z0-9]{26,128})$/;

export function formatApiKey(key: ApiKey): string {
  return `sk_${key.keyId}_${key.secret}`;
}

/** The parts of an API key; undefined when the text has another shape. */
export function parseApiKey(text: string): ApiKey | undefined {
  const match = apiKeyPattern.exec(text);
  return match === null ? undefined : { keyId: match[1] as string, secret: match[2] as string };
}

/** The token of an `Authorization: Bearer …` header (RFC 6750 section 2.1; the scheme is case-insensitive); undefined for anything else. */
export function bearerOf(header: string | undefined): string | undefined {
  return header === undefined ? undefined : /^bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(header)?.[1];
}
