export { isPublicAddress, literalAddressOf } from './public-address.ts';
export { secretText, signatureHeaders, signatureOf, type SignedMessage } from './standard-webhooks.codec.ts';
export { WebhookSender, type SendOutcome, type WebhookSenderInit } from './webhook-sender.ts';
