import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Decodes the first picture of a closed playlist from its beginning to its end. @returns how many frames it has. @throws what ffprobe complains of */
export async function framesOf(url: string): Promise<number> {
  const ask = ['-v', 'error', '-select_streams', 'v:0', '-count_frames', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0'];
  const { stdout, stderr } = await run('ffprobe', [...ask, url], { timeout: 60_000 });
  if (stderr !== '') throw new Error(`${url}: ${stderr}`);
  return Number.parseInt(stdout, 10);
}

/** How long a playlist says that it is. */
export function secondsOf(playlist: string): number {
  return [...playlist.matchAll(/^#EXTINF:([\d.]+)/gm)].reduce((sum, [, seconds]) => sum + Number(seconds), 0);
}
