/** A real engine that tests and benchmarks start, and what selects it in the platform. */
export interface RunningEngine {
  readonly url: string;
  /** The settings of the platform that choose this engine. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends it and deletes everything of it; an engine that was given by URL stays. */
  stop(): Promise<void>;
}

/** An engine that runs as a process of ours, so that a test can be hard on it. */
export interface LocalEngine extends RunningEngine {
  /** Ends it as a power cut does, and starts it again at the same place. */
  restart(downMs?: number): Promise<void>;
}
