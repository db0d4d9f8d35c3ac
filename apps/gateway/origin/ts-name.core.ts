/** One stored track of a segment: its initialisation and its media, by their content. */
export interface NamedTrack {
  readonly initCid: string;
  readonly cid: string;
}

/** What a transport stream is made of. Everything is in its name, so that the same name has the same bytes for ever. */
export interface NamedTsSegment {
  readonly mediaSequence: number;
  /** One or two, picture before sound. */
  readonly tracks: readonly NamedTrack[];
}

const cid = 'b[a-z2-7]{20,120}';
const pattern = new RegExp(`^(0|[1-9]\\d{0,15})((?:-${cid}-${cid}){1,2})\\.ts$`);

/** `NUMBER-INIT-MEDIA.ts`, with a second pair for the sound beside a picture. */
export function tsNameOf({ mediaSequence, tracks }: NamedTsSegment): string {
  return `${mediaSequence}${tracks.map(({ initCid, cid }) => `-${initCid}-${cid}`).join('')}.ts`;
}

export function parseTsName(name: string): NamedTsSegment | undefined {
  const [, number = '', rest = ''] = pattern.exec(name) ?? [];
  if (rest === '') return undefined;
  const [, ...cids] = rest.split('-');
  const tracks: NamedTrack[] = [];
  for (let i = 0; i < cids.length; i += 2) tracks.push({ initCid: cids[i] as string, cid: cids[i + 1] as string });
  return { mediaSequence: Number(number), tracks };
}
