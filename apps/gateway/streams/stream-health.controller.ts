import { streamAlertTable, streamSampleTable } from '#domain/stream';
import { ReadStore, type ReadCondition, type ReadRow } from '#ports';
import { Controller } from '@nestjs/common';
import { ByCaller, type Caller } from '../http/caller.ts';
import { isoTime } from '../http/fields.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { notFound } from '../http/problem.errors.ts';
import { PublicUrls } from '../public-urls.ts';
import { AudienceReader } from './audience-reader.ts';
import { StreamExtras } from './stream-extras.ts';
import { showStreamHealth } from './stream-health.contract.ts';
import { StreamReader } from './stream-reader.ts';

const alertsMax = 100;

/** What operators see of a stream at a glance. */
@Controller()
export class StreamHealthController {
  readonly #streams: StreamReader;
  readonly #reads: ReadStore;
  readonly #extras: StreamExtras;
  readonly #audience: AudienceReader;
  readonly #urls: PublicUrls;

  constructor(streams: StreamReader, reads: ReadStore, extras: StreamExtras, audience: AudienceReader, urls: PublicUrls) {
    this.#streams = streams;
    this.#reads = reads;
    this.#extras = extras;
    this.#audience = audience;
    this.#urls = urls;
  }

  @Route(showStreamHealth)
  async show(@Input(showStreamHealth) { params }: InputOf<typeof showStreamHealth>, @ByCaller() { principal }: Caller): Promise<object> {
    const stream = await this.#streams.visible(params.id, principal);
    if (stream === undefined) throw notFound('unknown-stream', `There is no stream ${params.id}.`);
    const where: ReadCondition[] = [{ column: 'stream_id', is: 'eq', value: params.id }];
    const [[sample], alerts, { viewers, byEdge }, images] = await Promise.all([
      this.#reads.select(streamSampleTable, { where, limit: 1 }),
      this.#reads.select(streamAlertTable, { where, orderBy: [{ column: 'at_ms', descending: true }], limit: alertsMax }),
      this.#audience.of(params.id),
      this.#extras.lastImages(params.id, 1),
    ]);
    const session = stream.row?.['status'] === 'live' ? stream.row['session_id'] : null;
    const [image] = images;
    return {
      id: params.id,
      measured: sample === undefined ? null : measuredOf(sample, session),
      alerts: alerts.map((row) => alertOf(row, session)),
      viewers,
      viewersByEdge: byEdge,
      thumbnailUrl: image === undefined ? null : this.#urls.media(`${image.cid}.jpg`),
      thumbnail: image === undefined ? null : { columns: image.columns, width: image.width, height: image.height, at: isoTime(image.programDateTimeMs) },
    };
  }
}

function measuredOf(row: ReadRow, session: unknown): object {
  return {
    at: isoTime(row['at_ms'] as bigint),
    node: row['node'],
    windowMs: row['window_ms'],
    isNow: session !== null && row['session_id'] === session,
    input: row['input'],
    behindMs: Number(row['behind_ms']),
    encoderSpeed: row['encoder_speed'],
    picture: row['picture'],
    sound: row['sound'],
  };
}

/** A packager that was killed could not tell the end of its alerts: none is open beyond the session that it was about. */
function alertOf(row: ReadRow, session: unknown): object {
  const isOpen = row['state'] === 'open' && session !== null && row['session_id'] === session;
  return {
    alert: row['alert'],
    state: isOpen ? 'open' : 'over',
    detail: row['detail'],
    since: isoTime(row['since_ms'] as bigint | null),
    lastedMs: row['lasted_ms'] === null ? null : Number(row['lasted_ms']),
    at: isoTime(row['at_ms'] as bigint),
  };
}
