/** What a publisher sends beside metadata, each on a clock of its own. */
export type Track = 'audio' | 'video';
