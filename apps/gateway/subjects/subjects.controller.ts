import { seesEveryTenant } from '#domain/access';
import { Clock, type KeptErasures, type MasterKey, type SubjectKeyStore } from '#ports';
import type { RegionSecrets } from '#runtime';
import { Controller, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Readable } from 'node:stream';
import { ByCaller, type Caller } from '../http/caller.ts';
import { isoTime } from '../http/fields.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { SubjectErasure } from './subject-erasure.ts';
import { SubjectExport } from './subject-export.ts';
import { eraseSubject, exportSubject, giveUpMasterKey, rotateMasterKey, showSubjectKeys } from './subjects.contract.ts';

/** How the keys are kept. */
export abstract class SubjectKeyring {
  abstract readonly store: SubjectKeyStore;
  abstract readonly master: MasterKey;
  abstract readonly kept: KeptErasures;
  abstract readonly secrets: RegionSecrets;
}

/** Personal data: what is stored of whom, and its end. */
@Controller()
export class SubjectsController {
  readonly #erasure: SubjectErasure;
  readonly #exports: SubjectExport;
  readonly #keyring: SubjectKeyring;
  readonly #clock: Clock;

  constructor(erasure: SubjectErasure, exports: SubjectExport, keyring: SubjectKeyring, clock: Clock) {
    this.#erasure = erasure;
    this.#exports = exports;
    this.#keyring = keyring;
    this.#clock = clock;
  }

  @Route(eraseSubject)
  async erase(@Input(eraseSubject) { body }: InputOf<typeof eraseSubject>, @ByCaller() caller: Caller): Promise<object> {
    const { subject, keys, alreadyErased, elsewhere } = await this.#erasure.erase(body.subject, body.reason, tenantOf(body.tenant, caller), caller);
    return { subject, keys: keys.map(({ keyId, tenant, erasedAtMs }) => ({ keyId, tenant, erasedAt: isoTime(erasedAtMs) })), alreadyErased, elsewhere };
  }

  @Route(exportSubject)
  async export(@Input(exportSubject) { body }: InputOf<typeof exportSubject>, @ByCaller() caller: Caller, @Res() reply: FastifyReply): Promise<void> {
    const found = await this.#erasure.find(body.subject, tenantOf(body.tenant, caller));
    await this.#erasure.recordExport(found, body.reason, caller);
    void reply.type('application/json; charset=utf-8').send(Readable.from(this.#exports.document(found, this.#clock.now())));
  }

  @Route(showSubjectKeys)
  async keys(): Promise<object> {
    const { store, master, kept, secrets } = this.#keyring;
    const { live, erased, byMaster, unnamed } = await store.counts();
    const waiting = (await kept.counts()).map(({ origin: region, check, count, oldestAtMs }) => ({
      ...{ region, count, oldestAt: isoTime(oldestAtMs), why: secrets.whyKept(check) },
    }));
    return { live, erased, byMasterKey: byMaster, masterKey: await master.newest(), unnamed, kept: waiting };
  }

  @Route(giveUpMasterKey)
  giveUp(@Input(giveUpMasterKey) { body }: InputOf<typeof giveUpMasterKey>, @ByCaller() caller: Caller): Promise<object> {
    return this.#erasure.giveUp(body.masterKey, body.reason, caller);
  }

  @Route(rotateMasterKey)
  rotate(@Input(rotateMasterKey) { body }: InputOf<typeof rotateMasterKey>, @ByCaller() caller: Caller): Promise<object> {
    return this.#erasure.rotate(body.reason, caller);
  }
}

/** Who sees every tenant asks for all of them, or for one; others for their own. What two tenants call alike are two subjects. */
function tenantOf(asked: string | undefined, { principal }: Caller): string | undefined {
  return seesEveryTenant(principal) ? asked : principal.tenant;
}
