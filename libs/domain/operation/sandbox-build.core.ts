/** The build of one projection in a sandbox; all of one sandbox share the schema `sandbox_<sandboxId>`. */
export function sandboxBuildId(sandboxId: string, projection: string): string {
  return `sb-${sandboxId}-${projection.replaceAll('_', '-')}`;
}

/** The sandbox that a build is of; undefined for any other build. */
export function sandboxOf(buildId: string): string | undefined {
  return /^sb-([a-z0-9]+)-/.exec(buildId)?.[1];
}

interface SandboxParts {
  readonly sandboxId: string;
  readonly projections: readonly string[];
}

/** All builds that a sandbox is made of. */
export function buildsOf({ sandboxId, projections }: SandboxParts): readonly string[] {
  return projections.map((projection) => sandboxBuildId(sandboxId, projection));
}

/** Whether all that a sandbox is made of is there to its end: the log calls it ready, also where the database is older than that and has lost it. */
export function isBuilt(sandbox: SandboxParts, builds: ReadonlyArray<{ readonly id: string; readonly state: string; readonly finished: boolean }>): boolean {
  return buildsOf(sandbox).every((id) => builds.some((build) => build.id === id && build.finished && build.state !== 'dropped'));
}
