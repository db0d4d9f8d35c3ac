/** What a stream gets that was created without saying; a class, because it is a Nest token. */
export class StreamDefaults {
  readonly dvrWindowMs: number;

  constructor({ dvrWindowMs }: { readonly dvrWindowMs: number }) {
    this.dvrWindowMs = dvrWindowMs;
  }
}
