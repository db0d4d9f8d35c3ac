/**
 * Of the threads that work on replays: decoding a million events must not keep a single live one waiting. (On Linux,
 * `setPriority(0, …)` is for the calling thread.)
 */
export const niceness = 10;

/** Decoded events die young; with room for them few live long enough to be moved. */
export const threadLimits = { maxYoungGenerationSizeMb: 192 };
