import { Controller } from '@nestjs/common';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { EdgeDesk } from './edge-desk.ts';
import { EdgeReader } from './edge-reader.ts';
import { cdnHealth, drainEdge, listEdgePeers, listEdges, registerEdge, removeEdge, resumeEdge, showEdge } from './edges.contract.ts';

@Controller()
export class EdgesController {
  readonly #reader: EdgeReader;
  readonly #desk: EdgeDesk;

  constructor(reader: EdgeReader, desk: EdgeDesk) {
    this.#reader = reader;
    this.#desk = desk;
  }

  @Route(cdnHealth)
  health(): Promise<object> {
    return this.#reader.health();
  }

  @Route(listEdges)
  async list(): Promise<object> {
    return { items: (await this.#reader.health()).edges };
  }

  @Route(showEdge)
  show(@Input(showEdge) { params }: InputOf<typeof showEdge>): Promise<object> {
    return this.#reader.existing(params.id);
  }

  @Route(listEdgePeers)
  async peers(@Input(listEdgePeers) { query }: InputOf<typeof listEdgePeers>): Promise<object> {
    return { items: await this.#reader.peersOf(query.id, query.region) };
  }

  @Route(registerEdge)
  async register(@Input(registerEdge) { body }: InputOf<typeof registerEdge>, @ByCaller() caller: Caller): Promise<object> {
    const { id, node = id, ...edge } = body;
    const admission = await this.#desk.register({ edgeId: id, node, ...edge }, caller.principal, caller);
    return { id, url: edge.url, region: edge.region, ...admission };
  }

  @Route(drainEdge)
  async drain(@Input(drainEdge) { body, params: { id } }: InputOf<typeof drainEdge>, @ByCaller() caller: Caller): Promise<object> {
    return { id, standing: await this.#desk.decide('DrainEdge', id, body.reason, caller) };
  }

  @Route(resumeEdge)
  async resume(@Input(resumeEdge) { body, params: { id } }: InputOf<typeof resumeEdge>, @ByCaller() caller: Caller): Promise<object> {
    return { id, standing: await this.#desk.decide('ResumeEdge', id, body.reason, caller) };
  }

  @Route(removeEdge)
  async remove(@Input(removeEdge) { body, params: { id } }: InputOf<typeof removeEdge>, @ByCaller() caller: Caller): Promise<object> {
    return { id, standing: await this.#desk.decide('RemoveEdge', id, body.reason, caller) };
  }
}
