import { encodingAdapted, encodingEnded, encodingStarted, type EventOf } from '#events';
import { encoderName, valueOf, type EncoderKind, type PlannedRendition, type SourceInfo } from '#core/ffmpeg-plan';
import type { Position, ProcessExit } from '#ports';
import type { FactPublisher } from '#runtime';
import { causeOf, type LiveSession } from '../fold/stream-fold.core.ts';
import type { RenditionPlan } from '../run/carried.core.ts';

export interface Producer {
  readonly id: string;
  readonly epoch: bigint;
}

/** What was changed about how a stream is encoded. */
export type Adaptation = Pick<EventOf<typeof encodingAdapted>['data'], 'step' | 'direction' | 'detail'>;
export type EndReason = EventOf<typeof encodingEnded>['data']['reason'];

/** How a run ended, and what follows. */
export interface Ending {
  readonly reason: EndReason;
  readonly argv: readonly string[];
  /** Undefined where no other run follows. */
  readonly restartInMs: number | undefined;
}

/** As the event bounds them. */
const argvMax = 300;
const argumentMax = 4000;

export interface EncodingFactsInit {
  readonly streamId: string;
  readonly session: LiveSession;
  readonly node: string;
  readonly producer: Producer;
  /** Where the stream's parts are served; undefined where none are. */
  readonly liveEdgeUrl?: string | undefined;
}

/** Says on the log that an encoder runs, and that it ended. */
export class EncodingFacts {
  readonly #init: EncodingFactsInit;
  readonly #facts: FactPublisher;

  constructor(init: EncodingFactsInit, facts: FactPublisher) {
    this.#init = init;
    this.#facts = facts;
  }

  /** @param encoders who encodes which rung; the processor where nothing is said */
  started({ video, audio }: SourceInfo, { renditions, encoded }: RenditionPlan, encoders: Readonly<Record<string, EncoderKind>>): Promise<readonly Position[]> {
    const source = {
      videoCodec: video?.codec ?? '',
      audioCodec: audio?.codec ?? '',
      width: video?.width ?? 0,
      height: video?.height ?? 0,
      frameRate: video?.frameRate ?? 0,
    };
    const names = encoded.flatMap((one) => (one.kind === 'video' ? encoderName(encoders[one.name] ?? 'software', one.codec) : []));
    const encoder = encoded.length === 0 ? 'none' : [...new Set(names)].join(':') || 'aac';
    const { liveEdgeUrl } = this.#init;
    const edge = liveEdgeUrl === undefined ? {} : { liveEdgeUrl };
    const { startedAtMs } = this.#init.session;
    return this.#publish(encodingStarted.draft({ ...this.#subject(), encoder, source, renditions: renditions.map(announced), ...edge, startedAtMs }));
  }

  /** @param encodingId the `encoding.started` of this run */
  ended({ code, signal, lastLines }: ProcessExit, { reason, argv, restartInMs }: Ending, encodingId: string | undefined): Promise<readonly Position[]> {
    const how = { exitCode: code, ...(signal !== null && { signal }), argv: argv.slice(0, argvMax).map((one) => one.slice(0, argumentMax)) };
    const next = restartInMs === undefined ? {} : { restartInMs };
    return this.#publish(encodingEnded.draft({ ...this.#subject(), reason, ...how, ...next, lastLines: [...lastLines] }), encodingId);
  }

  /** @param encodingId the `encoding.started` of the run that showed the need */
  adapted(adaptation: Adaptation, encodingId: string | undefined): Promise<readonly Position[]> {
    return this.#publish(encodingAdapted.draft({ ...this.#subject(), ...adaptation }), encodingId);
  }

  #subject(): { streamId: string; sessionId: string; epoch: number; node: string } {
    const { streamId, session, node, producer } = this.#init;
    return { streamId, sessionId: session.sessionId, epoch: Number(producer.epoch), node };
  }

  #publish(draft: Parameters<FactPublisher['publish']>[1][number], encodingId?: string): Promise<readonly Position[]> {
    const { producer, session } = this.#init;
    return this.#facts.publish('stream', [draft], { producer, ...causeOf(session, encodingId), tenant: session.tenant });
  }
}

function announced(rendition: PlannedRendition): EventOf<typeof encodingStarted>['data']['renditions'][number] {
  const { name, codecs, bandwidth } = rendition;
  if (rendition.kind === 'audio') {
    const { channels, language, label } = rendition;
    return { name, kind: 'audio', codecs, bandwidth, channels, ...(language !== undefined && { language }), ...(label !== undefined && { label }) };
  }
  return { name, kind: 'video', codecs, bandwidth, width: rendition.width, height: rendition.height, frameRate: valueOf(rendition.frameRate) };
}
