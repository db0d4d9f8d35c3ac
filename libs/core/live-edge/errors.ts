/** What comes is not what a packager sends. */
export class LiveEdgeError extends Error {
  override readonly name = 'LiveEdgeError';
  readonly code = 'LIVE_EDGE_INVALID';
}
