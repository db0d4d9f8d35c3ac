import { Controller } from '@nestjs/common';
import { ByCaller, type Caller } from '../http/caller.ts';
import { Input, Route, type InputOf } from '../http/operation.ts';
import { ProfileDesk, type OwnedProfile } from './profile-desk.ts';
import { configureProfile, listProfiles, removeProfile, showProfile } from './profiles.contract.ts';

function profileView({ tenant, profile }: OwnedProfile): object {
  const { name, description, ladder, audioBitrate, segmentDurationMs } = profile;
  return { name, tenant, description, ladder, audioBitrate, segmentDurationSeconds: segmentDurationMs / 1000 };
}

@Controller()
export class ProfilesController {
  readonly #desk: ProfileDesk;

  constructor(desk: ProfileDesk) {
    this.#desk = desk;
  }

  @Route(listProfiles)
  async list(@ByCaller() { principal }: Caller): Promise<object> {
    return { items: (await this.#desk.list(principal)).map(profileView) };
  }

  @Route(showProfile)
  async show(@Input(showProfile) { params }: InputOf<typeof showProfile>, @ByCaller() caller: Caller): Promise<object> {
    return profileView(await this.#desk.show(params.name, caller));
  }

  @Route(configureProfile)
  async configure(@Input(configureProfile) { params, body }: InputOf<typeof configureProfile>, @ByCaller() caller: Caller): Promise<object> {
    const { segmentDurationSeconds, reason, ...settings } = body;
    return profileView(await this.#desk.configure({ name: params.name, ...settings, segmentDurationMs: segmentDurationSeconds * 1000 }, reason, caller));
  }

  @Route(removeProfile)
  remove(@Input(removeProfile) { params, query }: InputOf<typeof removeProfile>, @ByCaller() caller: Caller): Promise<void> {
    return this.#desk.remove(params.name, query.reason ?? '', caller);
  }
}
