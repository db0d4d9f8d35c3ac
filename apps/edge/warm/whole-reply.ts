import { isSource, type BytesOf, type EdgeReply } from '../server/exchange.ts';

/** The body of an answer of this edge. @throws Error for another status than 200, or a longer one */
export async function wholeReply({ body, head }: EdgeReply, bytesMax: number, bytesOf: BytesOf): Promise<Uint8Array> {
  if (head.status !== 200 || body === null) throw new Error(`the answer is ${head.status}`);
  if (body instanceof Uint8Array) return body;
  if (!isSource(body)) return bytesOf(body);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let bytes = await body.read(); bytes !== undefined; bytes = await body.read()) {
    size += bytes.length;
    if (size > bytesMax) {
      body.cancel();
      throw new Error(`more than ${bytesMax} bytes`);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
