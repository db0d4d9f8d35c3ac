import { createHash, randomUUID } from 'node:crypto';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { blobBytesMax, blobCid, type BlobInfo } from '#ports';
import { MultipartUpload } from './multipart-upload.ts';
import { partsOf } from './part-buffer.ts';
import { withRetries } from './retries.ts';
import { told, tooLarge } from './s3-errors.ts';
import { unnamedPrefix, type S3Place } from './s3-place.ts';
import { signBody } from './signed-body.ts';

/** Parts of one upload that are under way at the same time. */
const partsAtOnce = 3;

/**
 * One request. A blob that is there already is left alone (`If-None-Match`, RFC 9110 section 13.1.2), unless it has
 * another length: then something has damaged it, and it is written again.
 */
export async function uploadWhole(place: S3Place, cid: string, bytes: Uint8Array, sha256: Uint8Array): Promise<void> {
  const { client, bucket: Bucket, prefix } = place;
  const Key = prefix + cid;
  let conditions: { IfNoneMatch?: string; ChecksumSHA256?: string } = { IfNoneMatch: '*', ChecksumSHA256: Buffer.from(sha256).toString('base64') };
  const act = async (abortSignal: AbortSignal): Promise<void> => {
    const command = new PutObjectCommand({ Bucket, Key, Body: bytes, ContentType: 'application/octet-stream', ...conditions });
    try {
      await client.send(signBody(command, sha256), { abortSignal });
    } catch (error) {
      const { name, status } = told(error);
      if (status === 412) {
        const { ContentLength } = await client.send(new HeadObjectCommand({ Bucket, Key }), { abortSignal });
        if (ContentLength === bytes.length) return;
      } else if (status !== 501 && name !== 'NotImplemented') throw error;
      // Damaged, or a store that knows no conditions: written as it is.
      conditions = {};
      await client.send(signBody(new PutObjectCommand({ Bucket, Key, Body: bytes }), sha256), { abortSignal });
    }
  };
  await withRetries(place, act, bytes.length);
}

/** In parts, beside each other. */
export async function uploadParts(place: S3Place, cid: string, bytes: Uint8Array): Promise<void> {
  const upload = await MultipartUpload.begin(place, place.prefix + cid);
  try {
    const parts = Array.from({ length: Math.ceil(bytes.length / place.partBytes) }, (_, at) =>
      bytes.subarray(at * place.partBytes, (at + 1) * place.partBytes),
    );
    for (let at = 0; at < parts.length; at += partsAtOnce) await Promise.all(parts.slice(at, at + partsAtOnce).map((part) => upload.part(part)));
    await upload.complete();
  } catch (error) {
    await upload.abort();
    throw error;
  }
}

/** What came of a source: too small for parts, or an object that waits for its name. */
export type Unnamed = { readonly kind: 'small'; readonly bytes: Uint8Array } | { readonly kind: 'object'; readonly key: string; readonly info: BlobInfo };

/** Sends a source up while it is hashed: its name is known only at its end. Two parts are in memory at most. */
export async function uploadUnnamed(place: S3Place, source: AsyncIterable<Uint8Array>): Promise<Unnamed> {
  const parts = partsOf(source, place.partBytes);
  const first = await parts.next();
  if (first.done === true) return { kind: 'small', bytes: new Uint8Array(0) };
  if (first.value.length < place.partBytes) return { kind: 'small', bytes: first.value };
  const key = unnamedPrefix(place) + randomUUID();
  const upload = await MultipartUpload.begin(place, key).catch(async (error: unknown) => {
    await parts.return(undefined);
    throw error;
  });
  try {
    const info = await send(upload, first.value, parts);
    await upload.complete();
    return { kind: 'object', key, info };
  } catch (error) {
    await upload.abort();
    throw error;
  }
}

async function send(upload: MultipartUpload, first: Uint8Array, rest: AsyncIterable<Uint8Array>): Promise<BlobInfo> {
  const hash = createHash('sha256').update(first);
  let sizeBytes = first.length;
  let sending = upload.part(first);
  for await (const part of rest) {
    sizeBytes += part.length;
    if (sizeBytes > blobBytesMax) throw tooLarge();
    hash.update(part);
    await sending;
    sending = upload.part(part);
  }
  await sending;
  return { cid: blobCid(hash.digest()), sizeBytes };
}
