export { AddressList, networkFault } from './address-list.core.ts';
