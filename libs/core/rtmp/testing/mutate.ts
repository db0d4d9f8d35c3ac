import type { Prng } from '#kernel';

const interesting = [0x00, 0x01, 0x7f, 0x80, 0xc4, 0xff];

/** A damaged copy: a few bytes changed, removed, doubled, or moved, each at a place of chance. */
export function mutate(input: Uint8Array, prng: Prng): Uint8Array {
  let bytes: Uint8Array = input.slice();
  const changes = prng.nextInteger(1, 6);
  for (let i = 0; i < changes && bytes.length > 1; i++) bytes = mutateOnce(bytes, prng);
  return bytes;
}

function mutateOnce(bytes: Uint8Array, prng: Prng): Uint8Array {
  const at = prng.nextInteger(0, bytes.length - 1);
  const length = prng.nextInteger(1, Math.min(64, bytes.length - at));
  switch (prng.nextInteger(0, 4)) {
    case 0:
      bytes[at] = (bytes[at] as number) ^ (1 << prng.nextInteger(0, 7));
      return bytes;
    case 1:
      bytes[at] = prng.pick(interesting);
      return bytes;
    case 2:
      return join(bytes.subarray(0, at), bytes.subarray(at + length));
    case 3:
      return join(bytes.subarray(0, at + length), bytes.subarray(at));
    default:
      return join(
        bytes.subarray(0, at),
        Uint8Array.from({ length }, () => prng.nextUint32() & 0xff),
        bytes.subarray(at),
      );
  }
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
