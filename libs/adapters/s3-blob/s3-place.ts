import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';

/** Where the blobs are, and who asks for them. */
export interface S3BlobStoreInit {
  /** `https://host[:port]` */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  /** Undefined: the usual chain of the AWS SDK (profile, container or instance role). */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  /** Bucket in the path, not in the host name: what most stores other than AWS ask for. */
  readonly forcePathStyle: boolean;
  /** In front of every key; empty, or ending with a slash. */
  readonly prefix: string;
  /** The bucket is somebody else's: it is not made, and nothing is removed at the opening. */
  readonly readOnly?: boolean;
  /** How long one call may try, besides the time that its bytes take; 10 s by default. */
  readonly deadlineMs?: number;
  /** A connection without a byte for this long is given up; 5 s by default. */
  readonly idleMs?: number;
  /** Connections at most; 32 by default. */
  readonly socketsMax?: number;
  /** Larger blobs go up in parts of this size; 8 MiB by default, 5 MiB at least (a limit of S3). */
  readonly partBytes?: number;
  /** What an upload that nobody finished leaves is removed after this; one day by default. */
  readonly orphanAgeMs?: number;
}

/** The client and what every call needs to know. */
export interface S3Place {
  readonly client: S3Client;
  readonly bucket: string;
  readonly prefix: string;
  readonly endpoint: string;
  readonly deadlineMs: number;
  readonly partBytes: number;
  readonly orphanAgeMs: number;
}

export function placeOf(init: S3BlobStoreInit): S3Place {
  const { endpoint, bucket, region, credentials, forcePathStyle, prefix, idleMs = 5000, socketsMax = 32 } = init;
  const sockets = { keepAlive: true, maxSockets: socketsMax };
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle,
    ...(credentials === undefined ? {} : { credentials }),
    // Tried again by us, who know a deadline, and who can go on in the middle of a body.
    maxAttempts: 1,
    // The CID is the checksum: it is sent as such, and checked against what comes back.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: 3000, socketTimeout: idleMs, httpAgent: new Agent(sockets), httpsAgent: new TlsAgent(sockets) },
  });
  return {
    client,
    bucket,
    prefix,
    endpoint,
    deadlineMs: init.deadlineMs ?? 10_000,
    partBytes: init.partBytes ?? 8_388_608,
    orphanAgeMs: init.orphanAgeMs ?? 86_400_000,
  };
}

/** Uploads whose CID is not known yet stand here. */
export function unnamedPrefix(place: S3Place): string {
  return `${place.prefix}unnamed/`;
}
