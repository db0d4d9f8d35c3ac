/** How often what goes wrong, each a probability per message or continuation. */
export interface FaultPlan {
  /** A process ends where it stands, at any of its continuations. */
  readonly crash: number;
  /** A process stands still for up to `pauseMsMax`, and goes on as if nothing had been. */
  readonly pause: number;
  readonly pauseMsMax: number;
  /** A request never arrives; its caller is told so. */
  readonly lostRequest: number;
  /** What was asked is done, but the caller is told that the connection broke. */
  readonly lostReply: number;
  /** What was asked is done, and the caller never hears of it. */
  readonly silence: number;
  /** A request arrives twice, the second time up to `delayMsMax` later. */
  readonly duplicate: number;
  /** A message takes this long at most when it is late … */
  readonly delayMsMax: number;
  /** … and how often it is. */
  readonly delay: number;
}

export const noFaults: FaultPlan = {
  ...{ crash: 0, pause: 0, pauseMsMax: 0, lostRequest: 0, lostReply: 0, silence: 0, duplicate: 0, delay: 0, delayMsMax: 0 },
};

/** Enough of everything that a run of 20,000 steps sees each several times, and still gets on with its work in between. */
export const manyFaults: FaultPlan = {
  ...{ crash: 0.002, pause: 0.0008, pauseMsMax: 20_000, lostRequest: 0.01, lostReply: 0.01, silence: 0.001, duplicate: 0.02, delay: 0.02, delayMsMax: 9000 },
};
