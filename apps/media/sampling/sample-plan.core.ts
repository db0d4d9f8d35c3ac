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
  /** File with the sound; undefined without. */
  readonly soundPath: string | undefined;
}

/**
 * One ffmpeg for a stretch: key frames alone are decoded (`-skip_frame nokey`), into one image on standard output and, very small
 * and gray, into what is judged; the sound as mono samples. One thread, for it is to be in nobody's way.
 */
export function decodeArguments({ tile, pictures, soundPath }: DecodePlan): readonly string[] {
  const quiet = ['-nostdin', '-hide_banner', '-loglevel', 'error', '-threads', '1', '-filter_complex_threads', '1'];
  const whitelist = ['-protocol_whitelist', 'pipe,file'];
  const picture = tile === undefined ? [] : ['-skip_frame', 'nokey', ...whitelist, '-f', 'mov', '-i', 'pipe:0'];
  const sound = soundPath === undefined ? [] : [...whitelist, '-f', 'mov', '-i', soundPath];
  return [...quiet, ...picture, ...sound, ...(tile === undefined ? [] : pictureOutputs(tile, pictures)), ...(soundPath === undefined ? [] : soundOutput(tile))];
}

function pictureOutputs({ width, height }: TileSize, pictures: number): readonly string[] {
  const image = `[a]scale=${width}:${height}:flags=area,format=yuvj420p,tile=${pictures}x1[image]`;
  const gray = `[b]scale=${grayWidth}:${grayHeight}:flags=area,format=gray[gray]`;
  return [
    ...['-filter_complex', `[0:v:0]split[a][b];${image};${gray}`],
    ...['-map', '[image]', '-frames:v', '1', '-c:v', 'mjpeg', '-q:v', '5', '-f', 'image2pipe', `pipe:${pictureFd}`],
    ...['-map', '[gray]', '-fps_mode', 'passthrough', '-c:v', 'rawvideo', '-f', 'rawvideo', `pipe:${grayFd}`],
  ];
}

function soundOutput(tile: TileSize | undefined): readonly string[] {
  const input = tile === undefined ? 0 : 1;
  return ['-map', `${input}:a:0`, '-ac', '1', '-ar', `${soundHz}`, '-c:a', 'pcm_s16le', '-f', 's16le', `pipe:${soundFd}`];
}
