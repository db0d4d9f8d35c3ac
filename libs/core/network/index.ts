export { AddressList, networkFault, sourceNetwork } from './address-list.core.ts';
