import { Controller, Module, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientKafka, Ctx, EventPattern, type KafkaContext, Payload, Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import { fromKafkaMessage } from '#sdk/kafka';
import type { AnyEvent } from '#sdk';
import type { KafkaRecord } from '#sdk/kafka';

/** A backend team's Nest service: it reads our events from topics, and emits its own. */
export class NestService {
  readonly seen: AnyEvent[];
  readonly #service: INestMicroservice;
  readonly #client: ClientKafka;

  private constructor(seen: AnyEvent[], service: INestMicroservice, client: ClientKafka) {
    this.seen = seen;
    this.#service = service;
    this.#client = client;
  }

  static async start(brokers: string, ...topics: readonly string[]): Promise<NestService> {
    const seen: AnyEvent[] = [];

    @Controller()
    class Reader {
      @EventPattern(topics)
      handle(@Payload() _data: unknown, @Ctx() context: unknown): void {
        seen.push(fromKafkaMessage((context as KafkaContext).getMessage()));
      }
    }

    @Module({ controllers: [Reader] })
    class Service {}

    const client = { clientId: 'nest', brokers: brokers.split(','), logCreator: () => () => undefined };
    const service = await NestFactory.createMicroservice<MicroserviceOptions>(Service, {
      transport: Transport.KAFKA,
      options: { client, consumer: { groupId: `nest-${topics[0]}` }, subscribe: { fromBeginning: true } },
      logger: false,
    });
    await service.listen();
    const emitter = new ClientKafka({ client, producerOnlyMode: true });
    await emitter.connect();
    return new NestService(seen, service, emitter);
  }

  async emit(topic: string, { key, value, headers }: KafkaRecord['message']): Promise<void> {
    await lastValueFrom(this.#client.emit(topic, { key, value, headers }));
  }

  async stop(): Promise<void> {
    await this.#client.close();
    await this.#service.close();
  }
}
