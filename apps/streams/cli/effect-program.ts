import type { Command } from 'commander';
import { contextOf, type CommonOptions } from './context.ts';
import { group, remote, wholeNumber, words } from './program-parts.ts';
import {
  addWebhook,
  listReactors,
  listWebhooks,
  redeliver,
  removeWebhook,
  resetReactor,
  rotateWebhook,
  setWebhook,
  showDeliveries,
  testWebhook,
  type AddWebhookOptions,
} from './effect.commands.ts';

export function addEffects(program: Command): void {
  const webhook = group(program, 'webhook', 'have events delivered to a URL');
  remote(webhook, 'add <url>', 'register a webhook and print its secret, once')
    .option('--description <text>', 'what it is for')
    .option('--context <names>', 'only events of these contexts; separated by commas, or repeated', words)
    .option('--type <types>', 'only these event types', words)
    .option('--subject <subject>', 'only about this subject, or what is under it')
    .action((url: string, options: CommonOptions & AddWebhookOptions) => addWebhook(contextOf(options), url, options));
  remote(webhook, 'list', 'list webhooks').action((options: CommonOptions) => listWebhooks(contextOf(options)));
  remote(webhook, 'remove <id>', 'remove a webhook')
    .option('--reason <text>', 'why, for the record')
    .action((id: string, options: CommonOptions & { reason?: string }) => removeWebhook(contextOf(options), id, options));
  for (const [verb, enabled] of [['enable', true] as const, ['disable', false] as const]) {
    remote(webhook, `${verb} <id>`, `${verb} a webhook`).action((id: string, options: CommonOptions) => setWebhook(contextOf(options), id, enabled));
  }
  remote(webhook, 'rotate <id>', 'give a webhook a new secret; for a while both sign')
    .option('--overlap <seconds>', 'how long the one before goes on signing', wholeNumber, 86_400)
    .action((id: string, options: CommonOptions & { overlap: number }) => rotateWebhook(contextOf(options), id, options));
  remote(webhook, 'test <id>', 'have a test event delivered').action((id: string, options: CommonOptions) => testWebhook(contextOf(options), id));
  remote(webhook, 'deliveries <id>', 'show what was delivered and what was not, with every try')
    .option('--state <state>', 'pending, succeeded, failed or abandoned')
    .option('--limit <number>', 'how many', wholeNumber, 20)
    .action((id: string, options: CommonOptions & { state?: string; limit: number }) => showDeliveries(contextOf(options), id, options));
  remote(webhook, 'redeliver <id> <delivery>', 'deliver an event once more, under the same webhook-id')
    .option('--reason <text>', 'why, for the record', '')
    .action((id: string, delivery: string, options: CommonOptions & { reason: string }) => redeliver(contextOf(options), id, delivery, options.reason));

  const reactor = group(program, 'reactor', 'see what follows from events, and where it is');
  remote(reactor, 'list', 'list reactors and what is still to be performed').action((options: CommonOptions) => listReactors(contextOf(options)));
  remote(reactor, 'reset <name>', 'have a reactor read from elsewhere; what it asked for before is not performed again')
    .requiredOption('--from <place>', 'beginning, end or a time (RFC 3339)')
    .requiredOption('--reason <text>', 'why: it is on the record')
    .action((name: string, options: CommonOptions & { from: string; reason: string }) => resetReactor(contextOf(options), name, options));
}
