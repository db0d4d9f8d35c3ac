/** Lines that stand together on the screen. */
export interface CaptionBlock {
  /** Of the first line, per cent of the picture's height. */
  readonly topPercent: number;
  /** Of the leftmost character, per cent of the picture's width. */
  readonly leftPercent: number;
  /** WebVTT cue text (its section 3): escaped, with tags for how it is written. */
  readonly lines: readonly string[];
}

/** What a viewer with captions sees for a while. */
export interface CaptionCue {
  readonly startMs: number;
  readonly endMs: number;
  readonly blocks: readonly CaptionBlock[];
}

/** How a character is written. */
export interface PenStyle {
  /** Name of a WebVTT colour class; undefined for white. */
  readonly colour?: string | undefined;
  readonly italics: boolean;
  readonly underline: boolean;
}

export const plainPen: PenStyle = { italics: false, underline: false };

export interface StyledText {
  readonly text: string;
  readonly style: PenStyle;
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** A line as WebVTT writes it: neighbours of one style share their tags, and what is not seen at either end is left out. */
export function lineOf(cells: readonly StyledText[]): string {
  const first = cells.findIndex(({ text }) => text.trim() !== '');
  const last = cells.findLastIndex(({ text }) => text.trim() !== '');
  let line = '';
  let run = '';
  for (let at = first; at >= 0 && at <= last; at++) {
    const { text, style } = cells[at] as StyledText;
    run += escapes[text] ?? text;
    if (at === last || !sameStyle(style, (cells[at + 1] as StyledText).style)) {
      line += tagged(run, style);
      run = '';
    }
  }
  return line;
}

function sameStyle(a: PenStyle, b: PenStyle): boolean {
  return a.colour === b.colour && a.italics === b.italics && a.underline === b.underline;
}

function tagged(text: string, { colour, italics, underline }: PenStyle): string {
  if (text.trim() === '') return text;
  const drawn = underline ? `<u>${text}</u>` : text;
  const leaning = italics ? `<i>${drawn}</i>` : drawn;
  return colour === undefined ? leaning : `<c.${colour}>${leaning}</c>`;
}
