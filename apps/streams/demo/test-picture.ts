export interface TestPictureInit {
  /** With the stream key. */
  readonly url: string;
  readonly videoEncoder: string;
  /** False where ffmpeg has no font to draw with. */
  readonly hasText: boolean;
}

const framesPerSecond = 30;
const groupSeconds = 2;

/** A moving picture with the time burnt in, and a tone that beeps every second: enough to see and hear that it is live. */
export function testPictureArguments(init: TestPictureInit): readonly string[] {
  const picture = `testsrc2=size=1280x720:rate=${framesPerSecond}`;
  const clock =
    "drawtext=text='%{localtime\\:%H\\\\\\:%M\\\\\\:%S}  frame %{n}':x=(w-tw)/2:y=h-110:fontsize=64:fontcolor=white:box=1:boxcolor=black@0.65:boxborderw=16";
  return [
    ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-re'],
    ...['-f', 'lavfi', '-i', init.hasText ? `${picture},${clock}` : picture],
    ...['-re', '-f', 'lavfi', '-i', 'sine=frequency=330:beep_factor=4:sample_rate=48000'],
    ...['-c:v', init.videoEncoder, ...(init.videoEncoder === 'libx264' ? ['-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline'] : [])],
    ...['-pix_fmt', 'yuv420p', '-b:v', '2500k', '-maxrate', '2500k', '-bufsize', '2500k', '-g', String(framesPerSecond * groupSeconds), '-threads', '1'],
    ...['-c:a', 'aac', '-b:a', '128k', '-ac', '2'],
    ...['-f', 'flv', '-flvflags', 'no_duration_filesize', init.url],
  ];
}
