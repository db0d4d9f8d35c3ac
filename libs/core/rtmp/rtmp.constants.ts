/** Message type ids, Adobe RTMP 1.0 sections 5.4, 6.2 and 7.1. */
export const messageType = {
  setChunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  userControl: 4,
  windowAcknowledgementSize: 5,
  setPeerBandwidth: 6,
  audio: 8,
  video: 9,
  dataAmf3: 15,
  commandAmf3: 17,
  dataAmf0: 18,
  commandAmf0: 20,
  aggregate: 22,
} as const;

/** Chunk streams that we write to; 2 is fixed by section 5.3, the others are custom. */
export const chunkStreamId = { control: 2, command: 3, media: 4 } as const;

/** Section 5.4.1. */
export const chunkBytesDefault = 128;
