/** An element as a client reads it. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

interface OpenElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: XmlElement[];
  text: string;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
/** A tag, the declaration, or what is between them. */
const tokens = /<\?xml [^<>]*\?>|<\/([\w:-]+)\s*>|<([\w:-]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)|([^])/g;

function plain(text: string): string {
  return text.replaceAll(/&(?:#(\d+)|#x([\da-f]+)|(\w+));|&/gi, (whole, decimal?: string, hex?: string, name?: string) => {
    const char = name === undefined ? String.fromCodePoint(Number.parseInt(decimal ?? hex ?? '', decimal === undefined ? 16 : 10) || 0) : entities[name];
    if (char === undefined || whole === '&') throw new Error(`XML 1.0 section 4.1: ${whole}`);
    return char;
  });
}

/** Reads a document without comments, processing instructions and doctype: what a manifest is made of. @throws Error on what is not well-formed */
export function readXml(text: string): XmlElement {
  const root: OpenElement = { name: '', attributes: new Map(), children: [], text: '' };
  const open = [root];
  for (const [whole, closing, opening, list = '', empty, between, wrong] of text.matchAll(tokens)) {
    const parent = open.at(-1) as OpenElement;
    if (wrong !== undefined) throw new Error(`XML 1.0 section 2.1: unexpected ${wrong}`);
    if (between !== undefined) parent.text += plain(between);
    if (closing !== undefined) {
      if (parent.name !== closing || open.length === 1) throw new Error(`XML 1.0 section 3: ${whole} where ${parent.name} is open`);
      open.pop();
    }
    if (opening === undefined) continue;
    const attributes = new Map<string, string>();
    for (const [, name = '', value = ''] of list.matchAll(/([\w:-]+)="([^"]*)"/g)) {
      if (attributes.has(name)) throw new Error(`XML 1.0 section 3.1: ${name} twice in ${opening}`);
      attributes.set(name, plain(value));
    }
    const element: OpenElement = { name: opening, attributes, children: [], text: '' };
    parent.children.push(element);
    if (empty === '') open.push(element);
  }
  const [document, ...others] = root.children;
  if (document === undefined || others.length > 0 || open.length > 1 || root.text.trim() !== '') throw new Error('XML 1.0 section 2.1: one element');
  return document;
}
