/** What a segment says of itself. Ticks. */
export interface ReadSegment {
  /** Of its first fragment (`tfdt`). */
  readonly time: number;
  /** Of all of its samples. */
  readonly duration: number;
}

interface Box {
  readonly type: string;
  readonly bytes: DataView;
}

/** The boxes in a stretch of bytes (ISO/IEC 14496-12 section 4.2). */
function boxesOf(view: DataView): readonly Box[] {
  const boxes: Box[] = [];
  for (let at = 0; at + 8 <= view.byteLength;) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > view.byteLength) throw new Error(`ISO/IEC 14496-12 section 4.2: a box of ${size} bytes at ${at} of ${view.byteLength}`);
    const type = String.fromCharCode(...[4, 5, 6, 7].map((offset) => view.getUint8(at + offset)));
    boxes.push({ type, bytes: new DataView(view.buffer, view.byteOffset + at + 8, size - 8) });
    at += size;
  }
  return boxes;
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function inside(boxes: readonly Box[], ...path: readonly string[]): readonly Box[] {
  return path.reduce<readonly Box[]>(
    (found, type, depth) => (depth === 0 ? found : found.flatMap(({ bytes }) => boxesOf(bytes))).filter((box) => box.type === type),
    boxes,
  );
}

/** How long a sample lasts that does not say it, and the ticks of a second, of a file with one track. */
export function readInit(bytes: Uint8Array): { readonly timescale: number; readonly sampleDuration: number } {
  const boxes = boxesOf(viewOf(bytes));
  const mdhd = inside(boxes, 'moov', 'trak', 'mdia', 'mdhd')[0]?.bytes;
  const trex = inside(boxes, 'moov', 'mvex', 'trex')[0]?.bytes;
  if (mdhd === undefined || trex === undefined) throw new Error('ISO/IEC 14496-12 sections 8.4.2 and 8.8.3: no mdhd or no trex');
  return { timescale: mdhd.getUint32(mdhd.getUint8(0) === 1 ? 20 : 12), sampleDuration: trex.getUint32(12) };
}

/** Undefined for a segment without content. @param sampleDuration of samples that do not say it */
export function readSegment(bytes: Uint8Array, sampleDuration: number): ReadSegment | undefined {
  const fragments = inside(boxesOf(viewOf(bytes)), 'moof', 'traf').map(({ bytes: traf }) => boxesOf(traf));
  const tfdt = fragments[0]?.find(({ type }) => type === 'tfdt')?.bytes;
  if (fragments.length === 0) return undefined;
  if (tfdt === undefined) throw new Error('ISO/IEC 14496-12 section 8.8.12: no tfdt');
  const time = tfdt.getUint8(0) === 1 ? Number(tfdt.getBigUint64(4)) : tfdt.getUint32(4);
  return { time, duration: fragments.reduce((sum, traf) => sum + durationOf(traf, sampleDuration), 0) };
}

/** Sections 8.8.7 and 8.8.8. */
function durationOf(traf: readonly Box[], sampleDuration: number): number {
  const tfhd = traf.find(({ type }) => type === 'tfhd')?.bytes;
  const flags = (tfhd?.getUint32(0) ?? 0) & 0xff_ff_ff;
  const skipped = (flags & 0x1 ? 8 : 0) + (flags & 0x2 ? 4 : 0);
  const own = tfhd !== undefined && flags & 0x8 ? tfhd.getUint32(8 + skipped) : sampleDuration;
  let sum = 0;
  for (const { bytes: trun } of traf.filter(({ type }) => type === 'trun')) {
    const says = trun.getUint32(0) & 0xff_ff_ff;
    const size = [0x100, 0x200, 0x400, 0x800].filter((flag) => says & flag).length * 4;
    const from = 8 + (says & 0x1 ? 4 : 0) + (says & 0x4 ? 4 : 0);
    for (let sample = 0; sample < trun.getUint32(4); sample++) sum += says & 0x100 ? trun.getUint32(from + sample * size) : own;
  }
  return sum;
}
