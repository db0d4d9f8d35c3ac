/** CRC-32 (ISO 3309) of bytes, an unsigned 32-bit integer. */
export type Checksum = (bytes: Uint8Array) => number;
