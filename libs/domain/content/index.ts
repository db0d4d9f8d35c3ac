export { contentsProjection, contentTable } from './content.projection.ts';
