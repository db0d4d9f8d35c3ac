export { decodePublishResponse, decodeSubscribeResponse, encodePublishRequest, encodeSubscribeRequest } from './event-service.codec.ts';
export { grpcFailure } from './grpc-failure.ts';
