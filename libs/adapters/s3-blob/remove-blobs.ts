import { DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { assert } from '#kernel';
import { withRetries } from './retries.ts';
import { isMissing } from './s3-errors.ts';
import { placeOf, type S3BlobStoreInit } from './s3-place.ts';

/** Objects are few, and a page of them is listed anew until none is left. */
const atOnce = 8;

/**
 * Removes every object under a prefix; nothing happens where the bucket is not there.
 * @throws OperatingError `BLOB_STORE_UNAVAILABLE` (retryable), `BLOB_STORE_REFUSED`
 */
export async function removeBlobs(init: S3BlobStoreInit): Promise<void> {
  assert(init.prefix !== '', 'blobs are removed under a prefix, never all of a bucket');
  const place = placeOf(init);
  const { client, bucket: Bucket, prefix: Prefix } = place;
  try {
    for (;;) {
      const found = await withRetries(place, (abortSignal) => client.send(new ListObjectsV2Command({ Bucket, Prefix }), { abortSignal }));
      const keys = (found.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key]));
      if (keys.length === 0) return;
      for (let at = 0; at < keys.length; at += atOnce) {
        const some = keys.slice(at, at + atOnce);
        await Promise.all(some.map((Key) => withRetries(place, (abortSignal) => client.send(new DeleteObjectCommand({ Bucket, Key }), { abortSignal }))));
      }
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  } finally {
    client.destroy();
  }
}
