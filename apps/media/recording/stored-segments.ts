import { renditionTable, segmentTable } from '#domain/stream';
import type { ReadCondition, ReadRow, ReadStore } from '#ports';
import type { DatedSegment } from './clip-plan.core.ts';
import type { StoredRendition } from './recording-plan.core.ts';

const pageRows = 10_000;
/** 55 hours of 2 s, in each of two renditions. */
const segmentsMax = 200_000;

export async function storedRenditions(reads: ReadStore, streamId: string): Promise<readonly StoredRendition[]> {
  const rows = await reads.select(renditionTable, { where: [{ column: 'stream_id', is: 'eq', value: streamId }], limit: 1000 });
  return rows.map((row) => ({
    ...{ name: String(row['name']), kind: row['kind'] as 'video' | 'audio', bandwidth: Number(row['bandwidth']) },
    ...{ language: textOf(row['language']), label: textOf(row['label']) },
  }));
}

function textOf(value: ReadRow[string] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberOf(value: ReadRow[string] | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}

/** Segments of all renditions, in order of each; with `where`, those for which that holds as well. */
export async function storedSegments(reads: ReadStore, streamId: string, where: readonly ReadCondition[] = []): Promise<readonly DatedSegment[]> {
  const found: DatedSegment[] = [];
  for (const { name } of await storedRenditions(reads, streamId)) {
    const of: ReadCondition[] = [{ column: 'stream_id', is: 'eq', value: streamId }, { column: 'rendition', is: 'eq', value: name }, ...where];
    for (let from = 0; found.length < segmentsMax;) {
      const rows = await reads.select(segmentTable, {
        where: [...of, { column: 'media_sequence', is: 'gte', value: from }],
        orderBy: [{ column: 'media_sequence' }],
        limit: pageRows,
      });
      found.push(...rows.map(segmentOf));
      if (rows.length < pageRows) break;
      from = Number(rows.at(-1)?.['media_sequence']) + 1;
    }
  }
  return found;
}

function segmentOf(row: ReadRow): DatedSegment {
  return {
    rendition: String(row['rendition']),
    mediaSequence: Number(row['media_sequence']),
    cid: String(row['cid']),
    sizeBytes: Number(row['size_bytes']),
    initCid: String(row['init_cid']),
    initSizeBytes: Number(row['init_size_bytes']),
    startUs: Number(row['start_us']),
    durationUs: Number(row['duration_us']),
    codecs: textOf(row['codecs']),
    sampleRate: numberOf(row['sample_rate']),
    channels: numberOf(row['channels']),
    programDateTimeMs: Number(row['program_date_time_ms']),
  };
}
