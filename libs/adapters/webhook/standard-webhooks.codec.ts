import { createHmac } from 'node:crypto';

/** What is signed (Standard Webhooks 1.0, "Signature scheme"). */
export interface SignedMessage {
  /** The same for every try: receivers know by it what they have done already. */
  readonly id: string;
  /** Of this try, seconds since the Unix epoch: receivers refuse what is old. */
  readonly timestamp: number;
  readonly body: string;
}

/** A secret as people pass it on: `whsec_` and base64. */
export function secretText(secret: Uint8Array): string {
  return `whsec_${Buffer.from(secret).toString('base64')}`;
}

/** `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`. */
export function signatureOf({ id, timestamp, body }: SignedMessage, secret: Uint8Array): string {
  return `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

/** One signature per secret, the newest first: while secrets change, receivers may know either. */
export function signatureHeaders(message: SignedMessage, secrets: readonly Uint8Array[]): Readonly<Record<string, string>> {
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(message.timestamp),
    'webhook-signature': secrets.map((secret) => signatureOf(message, secret)).join(' '),
  };
}
