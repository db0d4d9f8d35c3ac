/** The size of one picture of an image, pixels. */
export interface TileSize {
  readonly width: number;
  readonly height: number;
}

/** The longer side of a picture: enough for a preview, and for the still of a player that has not begun. */
const longSide = 256;
/** Pictures that are judged are this small: what is black or does not move is so at any size. */
export const grayWidth = 32;
export const grayHeight = 18;
export const soundHz = 8000;
/** Segments are gathered until they last this long, so that starting the decoder is paid once for all of them. */
export const stretchUsMin = 9_500_000;
export const stretchSegmentsMax = 16;

/**
 * Pictures in each image of a stream, however many segments a stretch of it has: DASH has one layout for all images of a track
 * (DASH-IF IOP section 6.2.6), and the last stretch of a session is nearly always short.
 */
export function columnsOf(segmentDurationMs: number): number {
  return Math.min(stretchSegmentsMax, Math.ceil(stretchUsMin / (segmentDurationMs * 1000)));
}

export const pictureFd = 1;
export const grayFd = 3;
export const soundFd = 4;

export function tileSizeOf(width: number, height: number): TileSize {
  const even = (value: number): number => Math.max(2, Math.round(value / 2) * 2);
  const scale = longSide / Math.max(width, height, 1);
  return { width: even(width * scale), height: even(height * scale) };
}

/** The first movie fragment of a segment (ISO/IEC 14496-12 section 8.8): it begins with its key frame. */
export function leadingFragment(segment: Uint8Array): Uint8Array {
  const view = new DataView(segment.buffer, segment.byteOffset, segment.byteLength);
  for (let at = 0; at + 8 <= segment.length;) {
    const size = view.getUint32(at);
    if (size < 8) break;
    at += size;
    const isMedia = view.getUint32(at - size + 4) === 0x6d646174;
    if (isMedia) return segment.subarray(0, Math.min(at, segment.length));
  }
  return segment;
}

export interface DecodePlan {
  /** Key frames on standard input, side by side in one image; undefined without a picture. */
  readonly tile: TileSize | undefined;
  readonly pictures: number;
  /** Pictures of the image: those there are, over equal parts of the stretch. As many as there are where it is not said. */
  readonly columns?: number | undefined;
  /** File with the sound; undefined without. */
  readonly soundPath: string | undefined;
}

/**
 * One ffmpeg for a stretch: key frames alone are decoded (`-skip_frame nokey`), into one image on standard output and, very small
 * and gray, into what is judged; the sound as mono samples. One thread, for it is to be in nobody's way.
 */
export function decodeArguments({ tile, pictures, columns = pictures, soundPath }: DecodePlan): readonly string[] {
  const quiet = ['-nostdin', '-hide_banner', '-loglevel', 'error', '-threads', '1', '-filter_complex_threads', '1'];
  const whitelist = ['-protocol_whitelist', 'pipe,file'];
  const picture = tile === undefined ? [] : ['-skip_frame', 'nokey', ...whitelist, '-f', 'mov', '-i', 'pipe:0'];
  const sound = soundPath === undefined ? [] : [...whitelist, '-f', 'mov', '-i', soundPath];
  return [
    ...quiet,
    ...picture,
    ...sound,
    ...(tile === undefined ? [] : pictureOutputs(tile, pictures, columns)),
    ...(soundPath === undefined ? [] : soundOutput(tile)),
  ];
}

function pictureOutputs({ width, height }: TileSize, pictures: number, columns: number): readonly string[] {
  const spread = columns === pictures ? '' : `${spreadOver(columns, pictures)},`;
  const image = `[a]scale=${width}:${height}:flags=area,format=yuvj420p,${spread}tile=${columns}x1[image]`;
  const gray = `[b]scale=${grayWidth}:${grayHeight}:flags=area,format=gray[gray]`;
  return [
    ...['-filter_complex', `[0:v:0]split[a][b];${image};${gray}`],
    ...['-map', '[image]', '-frames:v', '1', '-c:v', 'mjpeg', '-q:v', '5', '-f', 'image2pipe', `pipe:${pictureFd}`],
    ...['-map', '[gray]', '-fps_mode', 'passthrough', '-c:v', 'rawvideo', '-f', 'rawvideo', `pipe:${grayFd}`],
  ];
}

/** In column k the picture floor(k · pictures / columns): that of the segment in which the column's part of the stretch begins. */
function spreadOver(columns: number, pictures: number): string {
  return `tpad=stop=${columns}:stop_mode=clone,settb=AVTB,setpts=N*1000000/${pictures},fps=${columns}:start_time=0:round=up`;
}

function soundOutput(tile: TileSize | undefined): readonly string[] {
  const input = tile === undefined ? 0 : 1;
  return ['-map', `${input}:a:0`, '-ac', '1', '-ar', `${soundHz}`, '-c:a', 'pcm_s16le', '-f', 's16le', `pipe:${soundFd}`];
}
