/** A tag as it stands in the text. */
export interface XmlTag {
  readonly name: string;
  readonly kind: 'open' | 'close' | 'empty';
  readonly attributes: ReadonlyMap<string, string>;
  /** Text up to the next tag. */
  readonly text: string;
}

/** A longer tag is not read, characters. */
const tagLengthMax = 4096;
const attributePattern = /([\w:.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const entities: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&apos;': "'" };

function plain(text: string): string {
  return text.includes('&') ? text.replaceAll(/&(?:amp|lt|gt|quot|apos);/g, (entity) => entities[entity] as string) : text;
}

/** The end of what begins with `<!` or `<?`: nothing in it counts. */
function endOfOther(text: string, at: number): number {
  if (text.startsWith('<!--', at)) {
    const end = text.indexOf('-->', at + 4);
    return end < 0 ? text.length : end + 3;
  }
  const end = text.indexOf('>', at);
  return end < 0 ? text.length : end + 1;
}

/** The tags of an XML text one after the other, in one pass, whatever the text is. Names are without their prefix. */
export function* scanXml(text: string): Generator<XmlTag> {
  for (let at = text.indexOf('<'); at >= 0;) {
    const next = text[at + 1];
    if (next === '!' || next === '?') {
      at = text.indexOf('<', endOfOther(text, at));
      continue;
    }
    const end = text.indexOf('>', at);
    if (end < 0) return;
    const following = text.indexOf('<', end);
    const inner = text.slice(at + 1, Math.min(end, at + tagLengthMax));
    const [, slash = '', name = ''] = /^(\/?)(?:[\w.-]+:)?([\w.-]+)/.exec(inner) ?? [];
    if (name !== '') {
      const attributes = new Map<string, string>();
      for (const [, key = '', double, single] of inner.matchAll(attributePattern)) attributes.set(key, plain(double ?? single ?? ''));
      const kind = slash !== '' ? 'close' : text[end - 1] === '/' ? 'empty' : 'open';
      yield { name, kind, attributes, text: plain(text.slice(end + 1, following < 0 ? text.length : following).trim()) };
    }
    at = following;
  }
}
