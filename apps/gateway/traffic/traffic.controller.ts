import { Clock, ReadStore, ReadTotals } from '#ports';
import { Controller } from '@nestjs/common';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { TrafficReader } from './traffic-reader.ts';
import { showPopularObjects, showTraffic } from './traffic.contract.ts';

/** What edges answered. */
@Controller()
export class TrafficController {
  readonly #reader: TrafficReader;

  constructor(reads: ReadStore, totals: ReadTotals, clock: Clock) {
    this.#reader = new TrafficReader(reads, totals, clock);
  }

  @Route(showTraffic)
  traffic(@Input(showTraffic) { query }: InputOf<typeof showTraffic>, @ByCaller() { principal }: Caller): Promise<object> {
    return this.#reader.traffic(query, principal);
  }

  @Route(showPopularObjects)
  objects(@Input(showPopularObjects) { query }: InputOf<typeof showPopularObjects>, @ByCaller() { principal }: Caller): Promise<object> {
    return this.#reader.objects(query, principal);
  }
}
