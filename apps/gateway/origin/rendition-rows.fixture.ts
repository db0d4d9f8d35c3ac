import { renditionTable, segmentTable } from '#domain/stream';
import type { RowChange, TableSpec } from '#kernel';
import { ReadStore, rowsFor, type ReadQuery, type ReadRow, type ReadSnapshot } from '#ports';

/** Rows of one stream, in memory. */
export class RenditionRows extends ReadStore {
  rows: RowChange[] = [];

  override select(table: TableSpec, query: ReadQuery): Promise<readonly ReadRow[]> {
    const rows = this.rows.filter((row) => row.table === table.name);
    return Promise.resolve(rowsFor(table, query, rows));
  }

  override snapshot(): Promise<ReadSnapshot> {
    throw new Error('nobody asks for one');
  }

  put(table: TableSpec, key: RowChange['key'], set: RowChange['set']): void {
    this.rows.push({ table: table.name, key: { stream_id: 'st', ...key }, set });
  }

  rendition(name: string, kind: 'video' | 'audio', bandwidth: number, codecs = kind === 'video' ? 'avc1.64001f' : 'mp4a.40.2', order = 1n): void {
    const size = kind === 'video' ? { width: 1280, height: 720, frame_rate: 30 } : { channels: 2 };
    this.put(renditionTable, { name }, { kind, codecs, bandwidth, encoding_order: order, ...size });
  }

  /** @param sizes bytes of segments, 2 s each; @param from number of the first */
  segments(rendition: string, sizes: readonly number[], lastDurationUs = 2_000_000, from = 0): void {
    for (const [index, size] of sizes.entries()) {
      const at = from + index;
      const durationUs = index === sizes.length - 1 ? lastDurationUs : 2_000_000;
      const set = {
        ...{ cid: `${rendition}${at}`, init_cid: 'i', size_bytes: BigInt(size), duration_us: BigInt(durationUs), start_us: BigInt(at) * 2_000_000n },
        ...{ program_date_time_ms: 1n, discontinuity: false, timescale: 90_000, codecs: 'mp4a.40.2', key_frames: [] },
      };
      this.put(segmentTable, { rendition, media_sequence: at }, set);
    }
  }
}
