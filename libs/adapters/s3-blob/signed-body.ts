interface BuildArguments {
  readonly request: { readonly headers: Record<string, string> };
}

type Step = (next: (args: BuildArguments) => unknown) => (args: BuildArguments) => unknown;

/** The part of an SDK command that takes steps of ours; their types are the SDK's own, and wide. */
interface Stack {
  add(step: Step, options: { readonly step: 'build'; readonly name: string }): void;
}

/**
 * Says the SHA-256 of the body in the signature (`x-amz-content-sha256`), which every S3 server checks against what
 * arrives. Without it the SDK would hash the same bytes again.
 */
export function signBody<T extends { readonly middlewareStack: object }>(command: T, sha256: Uint8Array): T {
  const hex = Buffer.from(sha256).toString('hex');
  const stack = command.middlewareStack as Stack;
  stack.add(
    (next) => (args) => {
      args.request.headers['x-amz-content-sha256'] = hex;
      return next(args);
    },
    { step: 'build', name: 'bodySha256' },
  );
  return command;
}

/** Hashed off the event loop: a segment takes milliseconds. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
}
