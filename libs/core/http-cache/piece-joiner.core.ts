/** Pieces that are smaller are joined, bytes: each that is held by itself takes some hundred bytes besides its own. */
const smallBytes = 2048;
/** What they are joined into, bytes. */
const joinedBytes = 16 * 1024;

/**
 * Adds to a list of pieces what comes of a body, small ones joined: of a body that comes byte by byte a list takes little more than
 * the body. What is in the list stays as it is, but for the last piece, which grows while it is open.
 */
export class PieceJoiner {
  #joined: Uint8Array | undefined;
  #open: Uint8Array | undefined;

  add(pieces: Uint8Array[], piece: Uint8Array): void {
    const last = pieces.at(-1);
    if (piece.length >= smallBytes || last === undefined) return this.#put(pieces, piece);
    const { length } = last;
    const isOpen = this.isOpen(last);
    if (isOpen && this.#joined !== undefined && length + piece.length <= joinedBytes) {
      this.#joined.set(piece, length);
      pieces[pieces.length - 1] = this.#open = this.#joined.subarray(0, length + piece.length);
      return;
    }
    // A small body in one piece is most often all of it.
    if (length >= smallBytes && !isOpen) return this.#put(pieces, piece);
    this.#joined = new Uint8Array(joinedBytes);
    this.#joined.set(piece);
    this.#open = this.#joined.subarray(0, piece.length);
    pieces.push(this.#open);
  }

  /** Whether more may come into that piece. */
  isOpen(piece: Uint8Array): boolean {
    return piece === this.#open;
  }

  /** Nothing more comes into the last piece. */
  close(): void {
    this.#joined = undefined;
    this.#open = undefined;
  }

  #put(pieces: Uint8Array[], piece: Uint8Array): void {
    this.close();
    pieces.push(piece);
  }
}
