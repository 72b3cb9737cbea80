export { NetworkView as default } from '@terrarium/views';
