import { hashKey } from '#core/edge-store';
import { variantOf, type Variant } from '#core/http-cache';
import type { Varying } from './disk-tier.ts';

/** What fits into the byte that the index has for it. */
const listsMax = 255;

/** How a variant stands in the index. */
export interface VariantMark {
  readonly names: number;
  readonly variant: number;
}

function hashOf(values: readonly (string | undefined)[]): number {
  return hashKey(JSON.stringify(values)).low;
}

/**
 * The lists of field names by which responses vary, numbered: there are few. With the number and a hash of the values, the
 * index tells variants apart without a look at the disk.
 */
export class NameLists {
  readonly #numbers = new Map<string, number>();
  readonly #lists: (readonly string[])[] = [];
  readonly #onNew: (number: number, text: string) => void;

  /** @param onNew told of each list that {@link markOf} numbers */
  constructor(onNew: (number: number, text: string) => void) {
    this.#onNew = onNew;
  }

  /** Undefined when there are too many lists: then the response is not for this store. */
  markOf({ names, values }: Variant): VariantMark | undefined {
    if (names.length === 0) return { names: 1, variant: 0 };
    const text = names.join(',');
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#lists.length + 2;
      if (number > listsMax) return undefined;
      this.take(number, text);
      this.#onNew(number, text);
    }
    return { names: number, variant: hashOf(values) };
  }

  /** Takes over what was numbered before. */
  take(number: number, text: string): void {
    if (number < 2 || number > listsMax) return;
    this.#numbers.set(text, number);
    this.#lists[number - 2] = text.split(',');
  }

  /** Whether a request asks for the variant, as far as the index can tell. */
  fits(request: Varying, names: number, variant: number): boolean {
    if (names === 1) return true;
    const list = this.#lists[names - 2];
    return list !== undefined && hashOf(variantOf(list, request).values) === variant;
  }

  *entries(): Iterable<[number: number, text: string]> {
    for (const [text, number] of this.#numbers) yield [number, text];
  }
}

export function encodeNames(number: number, text: string): Uint8Array {
  return new TextEncoder().encode(`${number} ${text}`);
}

export function decodeNames(bytes: Uint8Array): readonly [number: number, text: string] {
  const text = new TextDecoder().decode(bytes);
  const space = text.indexOf(' ');
  return [Number(text.slice(0, space)), text.slice(space + 1)];
}
