import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import { withRetries } from './retries.ts';
import { bucketMissing, told } from './s3-errors.ts';
import { unnamedPrefix, type S3Place } from './s3-place.ts';

/** Makes the bucket where there is none. Several processes may do so at once. */
export async function ensureBucket(place: S3Place): Promise<void> {
  const { client, bucket: Bucket } = place;
  const there = await withRetries(place, async (abortSignal) => {
    try {
      await client.send(new HeadBucketCommand({ Bucket }), { abortSignal });
      return true;
    } catch (error) {
      if (told(error).status === 404) return false;
      throw error;
    }
  });
  if (!there) await createBucket(place);
}

async function createBucket(place: S3Place): Promise<void> {
  const { client, bucket: Bucket } = place;
  const act = async (abortSignal: AbortSignal): Promise<void> => {
    try {
      await client.send(new CreateBucketCommand({ Bucket }), { abortSignal });
    } catch (error) {
      if (!/^BucketAlready(OwnedByYou|Exists)$/.test(told(error).name)) throw error;
    }
  };
  try {
    await withRetries(place, act);
  } catch (error) {
    // Who may not create buckets has to know which one is missing.
    throw isDenied(error) ? bucketMissing(place, error) : error;
  }
}

/** The key is known, but lacks the right. */
function isDenied(error: unknown): boolean {
  const { cause } = error as { cause?: object };
  return cause !== undefined && told(cause).name === 'AccessDenied';
}

/** Removes what uploads left that nobody finished: parts, and blobs that never got their name. */
export async function sweep(place: S3Place, signal: AbortSignal): Promise<void> {
  await Promise.all([sweepParts(place, signal), sweepUnnamed(place, signal)]);
}

function isOrphan(place: S3Place, begun: Date | undefined): boolean {
  return begun !== undefined && Date.now() - begun.getTime() >= place.orphanAgeMs;
}

async function sweepParts(place: S3Place, abortSignal: AbortSignal): Promise<void> {
  const { client, bucket: Bucket, prefix: Prefix } = place;
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix }), { abortSignal });
  for (const { Key, UploadId, Initiated } of Uploads) {
    if (isOrphan(place, Initiated)) await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }), { abortSignal });
  }
}

async function sweepUnnamed(place: S3Place, abortSignal: AbortSignal): Promise<void> {
  const { client, bucket: Bucket } = place;
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: unnamedPrefix(place) }), { abortSignal });
  for (const { Key, LastModified } of Contents) {
    if (isOrphan(place, LastModified)) await client.send(new DeleteObjectCommand({ Bucket, Key }), { abortSignal });
  }
}
