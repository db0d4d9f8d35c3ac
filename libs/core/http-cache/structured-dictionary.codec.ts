/** A bare item of a Structured Field, as far as cache directives use them (RFC 9651 section 3.3). */
export type BareItem = number | string | boolean | { readonly token: string };

export interface DictionaryMember {
  /** Undefined for what no directive is: an inner list, a byte sequence, a decimal, a date. */
  readonly value: BareItem | undefined;
}

const key = /[a-z*][a-z0-9_\-.*]*/y;
const spaces = / */y;
const comma = /[ \t]*,[ \t]*/y;
const integer = /-?\d{1,15}(?![\d.])/y;
const decimal = /-?\d{1,12}\.\d{1,3}(?!\d)/y;
const string = /"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y;
const token = /[A-Za-z*][A-Za-z0-9!#$%&'*+\-.^_`|~:/]*/y;
const bytes = /:[A-Za-z0-9+/=]*:/y;
const boolean = /\?[01]/y;
const date = /@-?\d{1,15}/y;
/** Members of one dictionary at most; more are a mistake or an attack. */
const membersMax = 64;

/** Reads a Structured Field Dictionary from left to right; any deviation from the grammar fails the whole field. */
class Reader {
  at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.at >= this.#text.length;
  }

  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.at = pattern.lastIndex;
    return match;
  }

  eat(char: string): boolean {
    if (this.#text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  /** @throws SyntaxError when nothing here is a bare item */
  bareItem(): BareItem | undefined {
    const whole = this.take(integer);
    if (whole !== undefined) return Number(whole[0]);
    const quoted = this.take(string);
    if (quoted !== undefined) return (quoted[1] as string).replace(/\\(.)/g, '$1');
    const flag = this.take(boolean);
    if (flag !== undefined) return flag[0] === '?1';
    const word = this.take(token);
    if (word !== undefined) return { token: word[0] };
    if (this.take(decimal) ?? this.take(bytes) ?? this.take(date)) return undefined;
    throw new SyntaxError('no bare item');
  }

  parameters(): void {
    while (this.eat(';')) {
      this.take(spaces);
      if (this.take(key) === undefined) throw new SyntaxError('no parameter key');
      if (this.eat('=')) this.bareItem();
    }
  }

  innerList(): void {
    for (;;) {
      this.take(spaces);
      if (this.eat(')')) return;
      this.bareItem();
      this.parameters();
      if (this.#text[this.at] !== ' ' && this.#text[this.at] !== ')') throw new SyntaxError('no end of the list');
    }
  }

  member(): DictionaryMember {
    let value: BareItem | undefined = true;
    if (this.eat('=')) {
      if (this.eat('(')) {
        this.innerList();
        value = undefined;
      } else value = this.bareItem();
    }
    // RFC 9213 section 2.1: parameters on directives are ignored.
    this.parameters();
    return { value };
  }
}

/**
 * Parses a Dictionary (RFC 9651 section 4.2.2). Undefined when the field does not keep to the grammar, which is strict on
 * purpose: what one cache reads and the next does not is worse than what none reads. Of a key that comes twice the last
 * counts.
 */
export function parseDictionary(text: string): ReadonlyMap<string, DictionaryMember> | undefined {
  const reader = new Reader(text.replace(/^ +| +$/g, ''));
  const members = new Map<string, DictionaryMember>();
  try {
    while (!reader.atEnd) {
      const name = reader.take(key)?.[0];
      if (name === undefined || members.size >= membersMax) return undefined;
      const member = reader.member();
      members.delete(name);
      members.set(name, member);
      if (reader.atEnd) return members;
      // A trailing comma is an error, too.
      if (reader.take(comma) === undefined || reader.atEnd) return undefined;
    }
    return members;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
