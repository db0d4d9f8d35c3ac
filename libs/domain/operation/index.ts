export { parkedEventsProjection, parkedEventTable } from './parked-event.projection.ts';
