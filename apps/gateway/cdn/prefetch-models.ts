import type { Principal } from '#domain/access';
import { prefetchModelTable, zoneTable } from '#domain/edge';
import { hasCode } from '#kernel';
import type { BlobStore, ReadRow, ReadStore } from '#ports';
import { edgeProofHeader, isEdgeProof } from '#runtime';
import { isoTime } from '../http/fields.ts';
import { notFound, type ProblemError } from '../http/problem.errors.ts';
import { platformZoneName } from '../traffic/traffic.contract.ts';
import { confinement } from '../watch/read-models.ts';
import { mirroredFrom } from './edge-health.view.ts';

const rowsMax = 10_000;
const modelBytesMax = 1_048_576;
/** What a blob begins with that is a model: nothing else is given out here. */
const magic = 'SPFM';

export interface PrefetchModelsDeps {
  readonly reads: ReadStore;
  readonly blobs: BlobStore;
  /** Shared with edges, which alone are given models; without it whoever knows a name. */
  readonly secret: string | undefined;
}

/** Models of what is asked for next: told of to people, and given out to edges. */
export class PrefetchModels {
  readonly #deps: PrefetchModelsDeps;

  constructor(deps: PrefetchModelsDeps) {
    this.#deps = deps;
  }

  async list(principal: Principal): Promise<object> {
    const where = confinement(principal);
    const [rows, zones] = await Promise.all([
      this.#deps.reads.select(prefetchModelTable, { where, limit: rowsMax }),
      this.#deps.reads.select(zoneTable, { where, limit: rowsMax }),
    ]);
    const names = new Map(zones.map((row) => [String(row['zone_id']), String(row['name'])]));
    return { items: rows.map((row) => viewOf(row, names)) };
  }

  /** @throws ProblemError 404, the same for whatever is none and whoever is no edge */
  async bytes(cid: string, headers: Readonly<Record<string, unknown>>): Promise<Uint8Array> {
    const { blobs, secret } = this.#deps;
    const proof = headers[edgeProofHeader];
    if (secret !== undefined && (typeof proof !== 'string' || !isEdgeProof(secret, cid, proof))) throw unknown();
    const info = await blobs.stat(cid);
    if (info === undefined || info.sizeBytes > modelBytesMax) throw unknown();
    try {
      const bytes = await blobs.read(cid);
      if (Buffer.from(bytes.subarray(0, magic.length)).toString('latin1') !== magic) throw unknown();
      return bytes;
    } catch (error) {
      if (hasCode(error, 'BLOB_NOT_FOUND')) throw unknown();
      throw error;
    }
  }
}

function unknown(): ProblemError {
  return notFound('unknown-model', 'There is no such model, or not for you.');
}

function viewOf(row: ReadRow, names: ReadonlyMap<string, string>): object {
  const zone = String(row['zone_id']);
  return {
    zone: zone === '' ? null : zone,
    zoneName: zone === '' ? platformZoneName : (names.get(zone) ?? zone),
    mirroredFrom: mirroredFrom(row),
    number: Number(row['number']),
    cid: row['cid'] === null ? null : String(row['cid']),
    sizeBytes: Number(row['size_bytes']),
    publishedAt: isoTime(row['published_at_ms'] as bigint),
    trainedAt: isoTime(row['trained_at_ms'] as bigint),
    transitions: Number(row['transitions']),
    learnedFrom: Number(row['learned_from']),
    triedOn: Number(row['tried_on']),
    precision: Number(row['precision']),
    coverage: Number(row['coverage']),
  };
}
