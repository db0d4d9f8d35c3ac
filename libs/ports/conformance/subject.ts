import { afterAll, beforeAll } from '@jest/globals';

/** One opened adapter under test. */
export interface Subject<Port> {
  readonly port: Port;
  /** Lets time pass for the adapter: moves a manual clock, or really waits. */
  elapse(ms: number): Promise<void>;
  /** Closes it and removes what it left. */
  dispose(): Promise<void>;
}

/** Opens an empty adapter. A suite opens one and uses names of its own in every test, so that slow engines start once. */
export type SubjectFactory<Port> = () => Promise<Subject<Port>>;

let names = 0;

/** A name that no other test uses. */
export function freshName(stem: string): string {
  names += 1;
  return `${stem}_${names}`;
}

/** Opens the subject before the tests of the enclosing `describe` and disposes of it after. */
export function useSubject<Port>(factory: SubjectFactory<Port>): () => Subject<Port> {
  let subject: Subject<Port> | undefined;
  beforeAll(async () => {
    subject = await factory();
  });
  afterAll(async () => {
    await subject?.dispose();
  });
  return () => {
    if (subject === undefined) throw new Error('the subject is not open yet');
    return subject;
  };
}

/** For `expect(promise).rejects`: an operating error of this code. */
export function operatingError(code: string): { asymmetricMatch(value: unknown): boolean } {
  return {
    asymmetricMatch: (value) => value instanceof Error && (value as { code?: unknown }).code === code && value.message.length > 0,
    toString: () => `OperatingError ${code}`,
    toAsymmetricMatcher: () => `OperatingError<${code}>`,
  } as { asymmetricMatch(value: unknown): boolean };
}
