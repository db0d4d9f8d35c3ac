/** Calls per minute of a credential that has no rate of its own (REQUIREMENTS.md, S3). */
export const grantedPerMinute = 10_000;

/** Calls per minute of an address without a credential, or with one that does not hold. */
export const anonymousPerMinute = 1_000;
