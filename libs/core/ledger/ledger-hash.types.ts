/** Bytes of a hash: SHA-256. */
export const hashBytes = 32;

/**
 * SHA-256, handed in, because pure code has none. Every method writes the {@link hashBytes} of a hash to `out` from `at`
 * on: a log of millions of records must not cost an object per hash.
 */
export interface LedgerHash {
  /** Of bytes. */
  bytes(input: Uint8Array, out: Uint8Array, at: number): void;
  /** Of a text in UTF-8; a lone surrogate counts as U+FFFD. */
  text(input: string, out: Uint8Array, at: number): void;
  /** Bytes of a text in UTF-8. */
  utf8Length(text: string): number;
}
