export { deliver, refusedBy, type DeliverInit } from './deliver.ts';
export { Publisher, type PublisherInit, type PublisherSummary } from './publisher.ts';
