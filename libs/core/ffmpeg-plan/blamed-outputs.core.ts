/**
 * Which outputs could not be encoded, by what ffmpeg said last: numbers of outputs as in the argv, from 0. Until version 5 it
 * says `Error while opening encoder for output stream #2:0`, since version 6 `[vost#2:0/h264_nvenc @ 0x…] Error while opening encoder`.
 */
export function blamedOutputs(lastLines: readonly string[]): readonly number[] {
  const blamed = new Set<number>();
  for (const line of lastLines) {
    const match = /opening encoder for output stream #(\d+):/.exec(line) ?? /\[vost#(\d+):\d+.*\] Error while opening encoder/.exec(line);
    if (match !== null) blamed.add(Number(match[1]));
  }
  return [...blamed];
}
