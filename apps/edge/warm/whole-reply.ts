import { isSource, type BytesOf, type EdgeReply } from '../server/exchange.ts';

/** Another answer than the one that was needed. */
export class ReplyStatusError extends Error {
  override readonly name = 'ReplyStatusError';
  readonly status: number;

  constructor(status: number) {
    super(`The answer has status ${status}.`);
    this.status = status;
  }
}

/** The body of an answer of this edge. @throws ReplyStatusError for another status than 200, Error for a longer one */
export async function wholeReply({ body, head }: EdgeReply, bytesMax: number, bytesOf: BytesOf): Promise<Uint8Array> {
  if (head.status !== 200 || body === null) throw new ReplyStatusError(head.status);
  if (body instanceof Uint8Array) return body;
  if (!isSource(body)) return bytesOf(body);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let bytes = await body.read(); bytes !== undefined; bytes = await body.read()) {
    size += bytes.length;
    if (size > bytesMax) {
      body.cancel();
      throw new Error(`It has more than ${bytesMax} bytes.`);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
