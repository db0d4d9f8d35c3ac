/**
 * Of the threads that work on replays: decoding a million events must not keep a single live one waiting. (On Linux,
 * `setPriority(0, …)` is for the calling thread.)
 */
export const niceness = 10;

/** Decoded events die young; with room for them few live long enough to be moved. */
export const threadLimits = { maxYoungGenerationSizeMb: 192 };

/** So often the thread says how its workers do, ms … */
export const tellEveryMs = 1000;

/** … and one that says nothing for so many ms will not come back by itself: its loop is blocked. */
export const silentMsMax = 60_000;
