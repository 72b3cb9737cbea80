export { CallsView as default } from '@terrarium/views';
