import { encodingStarted, failoverSwitched, streamCreated, type DomainEvent, type DraftEvent } from '#events';
import { streamDecider, type Endpoint, type StreamCommand, type StreamState as Head } from '#domain/stream';
import { CheckedLeaseStore, Simulation, Violations } from '#sim';
import type { Lease } from '#ports';
import { activeSession, StreamFold } from '../fold/stream-fold.core.ts';
import { FailoverMachine, type FailoverInput, type SwitchEffect } from './failover-machine.core.ts';

export interface SimulatedFailover {
  /** What must never happen, and did first. */
  readonly violation: string | undefined;
  readonly switches: ReadonlyMap<string, number>;
  /** What went wrong on the publishers' and packagers' side. */
  readonly faults: number;
  readonly steps: number;
  /** The same for the same seed. */
  readonly digest: string;
}

export interface SimulatedFailoverInit {
  readonly seed: number;
  readonly ms: number;
  readonly silenceMs?: number;
}

const streamId = 'st-sim';
const frameMs = 100;
const groupMs = 2000;
const leaseMs = 10_000;
/** Whoever has been well for so long counts as such. */
const wellMs = 6_000;
/** How long nothing may be seen while somebody sends: the silence that is waited for, a key frame, and a moment. */
const darkMsMax = 2_000 + groupMs + 500;

/** A packager: what it knows dies with it. */
interface Packager {
  readonly name: string;
  lease: Lease | undefined;
  machine: FailoverMachine | undefined;
  /** Since when it holds the stream without having stood still. */
  awakeSince: number;
  pausedUntil: number;
  /** It missed something while it stood still. */
  stale: boolean;
  /** Switches that are not on the log yet. */
  underWay: number;
  /** The wish that it knows of. */
  requestId: string | undefined;
}

interface SimPublisher {
  readonly endpoint: Endpoint;
  sessionId: string | undefined;
  /** Its epoch with its lease. */
  epoch: number;
  /** Sends nothing until then, though connected. */
  silentUntil: number;
  /** Its ingest cannot be reached until then. */
  cutUntil: number;
  /** Since when it has sent without a pause. */
  wellSince: number;
  lastFrameAt: number;
}

/** A stream with two publishers that come, go and fall silent, and two packagers that die and stand still, on a seeded clock. */
export class SimulatedStream {
  readonly #init: SimulatedFailoverInit;
  readonly #simulation: Simulation;
  readonly #violations = new Violations();
  readonly #leases: CheckedLeaseStore;
  readonly #fold = new StreamFold();
  readonly #publishers: readonly SimPublisher[];
  readonly #packagers: readonly Packager[];
  readonly #switches = new Map<string, number>();
  #head: Head = streamDecider.initialState;
  #sessions = 0;
  #faults = 0;
  #requests = 0;
  #events = 0;
  #end = 0;
  #digest = 0;
  #darkSince = 0;

  constructor(init: SimulatedFailoverInit) {
    this.#init = init;
    this.#simulation = new Simulation(init.seed);
    this.#leases = new CheckedLeaseStore(this.#simulation, this.#violations);
    const idle = { sessionId: undefined, epoch: 0, silentUntil: 0, cutUntil: 0, wellSince: 0, lastFrameAt: 0 };
    this.#publishers = (['primary', 'backup'] as const).map((endpoint) => ({ endpoint, ...idle }));
    this.#packagers = ['m-1', 'm-2'].map((name) => ({
      name,
      lease: undefined,
      machine: undefined,
      awakeSince: 0,
      pausedUntil: 0,
      stale: false,
      underWay: 0,
      requestId: undefined,
    }));
  }

  async run(): Promise<SimulatedFailover> {
    const { seed, ms } = this.#init;
    this.#end = this.#simulation.now + ms;
    this.#append(streamCreated.draft({ ...(streamCreated.samples[1] as object), streamId } as never));
    for (const publisher of this.#publishers) this.#every(frameMs, () => this.#frame(publisher));
    for (const packager of this.#packagers) this.#every(1000, () => this.#keep(packager));
    this.#every(250, () => this.#packagers.forEach((one) => this.#give(one, { kind: 'tick' })));
    this.#every(500, () => this.#fault());
    this.#every(100, () => this.#check());
    await this.#simulation.runUntil(() => this.#simulation.now >= this.#end, 10_000_000);
    const switches = [...this.#switches.values()].reduce((sum, count) => sum + count, 0);
    // Each fault can cause one change away and one back; a wish one more.
    if (switches > 2 * this.#faults + this.#requests + 2) this.#violations.add(`${switches} switches after ${this.#faults} faults`);
    const { steps } = this.#simulation;
    return { violation: this.#violations.first, switches: this.#switches, faults: this.#faults, steps, digest: `${seed}:${steps}:${this.#digest}` };
  }

  #every(ms: number, act: () => void | Promise<void>): void {
    const again = (): void => {
      void act();
      this.#simulation.after(ms, again);
    };
    this.#simulation.after(this.#simulation.dice.nextInteger(0, ms), again);
  }

  /** What goes wrong, now and then: four times a minute for each kind. */
  #fault(): void {
    const { dice, now } = this.#simulation;
    const publisher = dice.pick(this.#publishers);
    const packager = dice.pick(this.#packagers);
    switch (dice.nextInteger(0, 60)) {
      case 0:
        publisher.silentUntil = now + dice.nextInteger(300, 20_000);
        break;
      case 1:
        this.#leave(publisher, 'connection-closed');
        break;
      case 2:
        publisher.cutUntil = now + dice.nextInteger(100, 15_000);
        this.#packagers.forEach((one) => publisher.sessionId && this.#give(one, { kind: 'cut', sessionId: publisher.sessionId }));
        break;
      case 3:
        this.#leave(publisher, 'ingest-lost');
        break;
      case 4:
        packager.machine = undefined;
        packager.lease = undefined;
        break;
      case 5:
        packager.pausedUntil = now + dice.nextInteger(100, 25_000);
        break;
      case 6:
        this.#requests += 1;
        return this.#execute({ type: 'SwitchPublisher', streamId, to: dice.pick(['primary', 'backup']), reason: '' });
      default:
        return;
    }
    this.#faults += 1;
  }

  #leave(publisher: SimPublisher, reason: 'connection-closed' | 'ingest-lost'): void {
    const { sessionId } = publisher;
    if (sessionId === undefined) return;
    publisher.sessionId = undefined;
    publisher.silentUntil = this.#simulation.now + this.#simulation.dice.nextInteger(200, 12_000);
    this.#execute({ type: 'Interrupt', streamId, sessionId, reason, detail: '' });
  }

  /** One picture, where it is connected and sends. */
  #frame(publisher: SimPublisher): void {
    const { now } = this.#simulation;
    if (now < publisher.silentUntil) return void (publisher.wellSince = now);
    if (publisher.sessionId === undefined) this.#join(publisher);
    if (now < publisher.cutUntil) return void (publisher.wellSince = now);
    publisher.lastFrameAt = now;
    const { sessionId } = publisher;
    if (sessionId === undefined) return;
    const keyFrame = now % groupMs < frameMs;
    for (const one of this.#packagers) this.#give(one, { kind: 'media', sessionId, keyFrame });
  }

  #join(publisher: SimPublisher): void {
    const { endpoint } = publisher;
    publisher.epoch += 1;
    publisher.sessionId = `s-${++this.#sessions}`;
    publisher.wellSince = this.#simulation.now;
    const session = { sessionId: publisher.sessionId, epoch: publisher.epoch, endpoint, remoteAddress: '', node: 'n', relayUrl: 'http://relay' };
    this.#execute({ type: 'StartPublishing', streamId, secretHash: null, nowMs: this.#simulation.now, ...session });
  }

  #execute(command: StreamCommand): void {
    const decision = streamDecider.decide(command, this.#head);
    if (decision.refused) return;
    for (const event of decision.events) this.#append(event);
  }

  #append(draft: DraftEvent): void {
    this.#events += 1;
    this.#head = streamDecider.evolve(this.#head, draft as never);
    this.#fold.apply({ ...draft, id: `e-${this.#events}`, time: this.#simulation.now, tenant: 'default' } as unknown as DomainEvent);
    for (const one of this.#packagers) this.#look(one);
  }

  /** Takes the lease where it can, and begins with what the log says. */
  async #keep(packager: Packager): Promise<void> {
    const { now } = this.#simulation;
    if (now < packager.pausedUntil) return;
    const { lease } = packager;
    if (lease !== undefined && (await this.#leases.renew(lease, leaseMs))) return;
    packager.lease = await this.#leases.acquire(`media/${streamId}`, packager.name, leaseMs);
    packager.machine = undefined;
    if (packager.lease === undefined) return;
    // As the first word of a packager does, this shuts its predecessor out.
    this.#append(encodingStarted.draft({ ...(encodingStarted.samples[0] as object), streamId, epoch: Number(packager.lease.epoch) } as never));
    const state = this.#fold.get(streamId);
    const active = activeSession(state) ?? (state?.active && { sessionId: state.active.sessionId, endpoint: 'primary' as const });
    packager.machine = new FailoverMachine({ silenceMs: this.#init.silenceMs ?? 2000, returnMs: 10_000, preferred: state?.request?.to ?? 'primary', active });
    packager.awakeSince = now;
    packager.requestId = state?.request?.id;
    this.#look(packager);
  }

  #look(packager: Packager): void {
    const state = this.#fold.get(streamId);
    if (state === undefined) return;
    const lost = state.lastEnd?.reason === 'ingest-lost' ? state.lastEnd.sessionId : undefined;
    if (lost !== undefined) this.#give(packager, { kind: 'over', sessionId: lost, reason: 'lease-lost' });
    this.#give(packager, { kind: 'publishers', publishers: state.sessions, active: state.active?.sessionId });
    if (state.request === undefined || state.request.id === packager.requestId) return;
    packager.requestId = state.request.id;
    this.#give(packager, { kind: 'request', to: state.request.to });
  }

  #give(packager: Packager, input: FailoverInput): void {
    const { now } = this.#simulation;
    const { machine, lease } = packager;
    if (now < packager.pausedUntil) {
      packager.stale = true;
      return void (packager.awakeSince = packager.pausedUntil);
    }
    if (machine === undefined || lease === undefined) return;
    if (packager.stale) {
      packager.stale = false;
      this.#look(packager);
    }
    for (const effect of machine.step(input, now)) this.#goOver(packager, effect, Number(lease.epoch));
  }

  /** After a moment, as a log takes it; from a packager of the past it takes nothing. */
  #goOver(packager: Packager, { from, to, reason, silentMs }: SwitchEffect, epoch: number): void {
    packager.underWay += 1;
    this.#simulation.after(this.#simulation.dice.nextInteger(1, 80), () => {
      packager.underWay -= 1;
      const state = this.#fold.get(streamId);
      if (from.sessionId === to.sessionId) this.#violations.add(`went over from ${from.sessionId} to itself`);
      if (epoch < (state?.encodingEpoch ?? 0)) return;
      this.#switches.set(reason, (this.#switches.get(reason) ?? 0) + 1);
      this.#digest = (this.#digest * 31 + this.#simulation.now) >>> 0;
      const parties = { fromSessionId: from.sessionId, from: from.endpoint, toSessionId: to.sessionId, to: to.endpoint };
      this.#append(failoverSwitched.draft({ streamId, epoch, node: 'n', ...parties, reason, silentMs, startedAtMs: 1 }));
      if (packager.underWay === 0) this.#give(packager, { kind: 'settled', active: this.#fold.get(streamId)?.active?.sessionId });
    });
  }

  /** Somebody packages and somebody sends, and has for a while: then what is packaged is what is sent, but for a moment. */
  #check(): void {
    const { now } = this.#simulation;
    const isAwake = this.#packagers.some((one) => one.machine !== undefined && now >= one.pausedUntil && now - one.awakeSince > wellMs);
    const isSent = this.#publishers.some((one) => one.sessionId !== undefined && now - one.wellSince > wellMs && now - one.lastFrameAt <= frameMs);
    const active = this.#fold.get(streamId)?.active?.sessionId;
    const used = this.#publishers.find(({ sessionId }) => sessionId === active);
    const isSeen = used !== undefined && now - used.lastFrameAt <= 2 * frameMs;
    if (!isAwake || !isSent || isSeen) this.#darkSince = now;
    if (now - this.#darkSince > darkMsMax) this.#violations.add(`nothing of ${active} at ${now}, though another sends`);
  }
}
