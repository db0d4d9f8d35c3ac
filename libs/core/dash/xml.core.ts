/** An element, or text that is XML already. */
export type Xml = string;

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\t': '&#9;', '\n': '&#10;', '\r': '&#13;' };

/** What XML 1.0 (fifth edition) section 2.2 has no place for, not even escaped. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Section 2.3: white space would be normalised to spaces (3.3.3), so it is escaped, too. What cannot be written becomes U+FFFD. */
export function attributeText(value: string): string {
  return value.replaceAll(forbidden, '\ufffd').replaceAll(/[&<>"\t\n\r]/g, (char) => escapes[char] as string);
}

/** An element with its attributes in the order given; those that are undefined are left out. */
export function element(name: string, attributes: Attributes, children: readonly Xml[] = []): Xml {
  let text = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) text += ` ${key}="${attributeText(String(value))}"`;
  return children.length === 0 ? `${text}/>` : `${text}>${children.join('')}</${name}>`;
}

/** xs:duration in seconds, to the microsecond (XML Schema part 2, section 3.2.6). */
export function duration(seconds: number): string {
  return `PT${Number(seconds.toFixed(6))}S`;
}
