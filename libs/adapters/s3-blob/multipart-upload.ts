import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import { withRetries } from './retries.ts';
import { told } from './s3-errors.ts';
import type { S3Place } from './s3-place.ts';
import { sha256, signBody } from './signed-body.ts';

/** An object that goes up in parts, and is there only when all of them are. */
export class MultipartUpload {
  readonly #place: S3Place;
  readonly #target: { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined };
  readonly #parts: CompletedPart[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #sizeBytes = 0;

  private constructor(place: S3Place, key: string, id: string | undefined) {
    this.#place = place;
    this.#target = { Bucket: place.bucket, Key: key, UploadId: id };
  }

  static async begin(place: S3Place, key: string): Promise<MultipartUpload> {
    const command = new CreateMultipartUploadCommand({ Bucket: place.bucket, Key: key, ContentType: 'application/octet-stream' });
    const { UploadId } = await withRetries(place, (abortSignal) => place.client.send(command, { abortSignal }));
    return new MultipartUpload(place, key, UploadId);
  }

  /** All parts but the last have 5 MiB at least. Parts may go up beside each other. */
  part(bytes: Uint8Array): Promise<void> {
    const sending = this.#send(bytes);
    this.#underWay.add(sending);
    // Its failure is the caller's; here it only has to be over.
    void sending.catch(() => undefined).finally(() => this.#underWay.delete(sending));
    return sending;
  }

  async #send(bytes: Uint8Array): Promise<void> {
    const number = this.#parts.push({}) - 1;
    this.#sizeBytes += bytes.length;
    const digest = await sha256(bytes);
    const send = (abortSignal: AbortSignal): Promise<{ ETag?: string | undefined }> => {
      const command = new UploadPartCommand({ ...this.#target, PartNumber: number + 1, Body: bytes });
      return this.#place.client.send(signBody(command, digest), { abortSignal });
    };
    const { ETag } = await withRetries(this.#place, send, bytes.length);
    this.#parts[number] = { ETag, PartNumber: number + 1 };
  }

  async complete(): Promise<void> {
    const command = new CompleteMultipartUploadCommand({ ...this.#target, MultipartUpload: { Parts: this.#parts } });
    const act = async (abortSignal: AbortSignal): Promise<void> => {
      try {
        await this.#place.client.send(command, { abortSignal });
      } catch (error) {
        // The answer to an earlier try was lost, not the try.
        if (told(error).name !== 'NoSuchUpload' || !(await this.#isThere(abortSignal))) throw error;
      }
    };
    await withRetries(this.#place, act, this.#sizeBytes);
  }

  async #isThere(abortSignal: AbortSignal): Promise<boolean> {
    const { Bucket, Key } = this.#target;
    const { ContentLength } = await this.#place.client.send(new HeadObjectCommand({ Bucket, Key }), { abortSignal });
    return ContentLength === this.#sizeBytes;
  }

  /** Takes the parts away again, also those still under way. What a store that is away keeps of them is swept later. */
  async abort(): Promise<void> {
    await Promise.allSettled(this.#underWay);
    await withRetries(this.#place, (abortSignal) => this.#place.client.send(new AbortMultipartUploadCommand(this.#target), { abortSignal })).catch(
      () => undefined,
    );
  }
}
