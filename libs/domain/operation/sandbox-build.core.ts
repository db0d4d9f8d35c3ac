/** The build of one projection in a sandbox; all of one sandbox share the schema `sandbox_<sandboxId>`. */
export function sandboxBuildId(sandboxId: string, projection: string): string {
  return `sb-${sandboxId}-${projection.replaceAll('_', '-')}`;
}

/** The sandbox that a build is of; undefined for any other build. */
export function sandboxOf(buildId: string): string | undefined {
  return /^sb-([a-z0-9]+)-/.exec(buildId)?.[1];
}
