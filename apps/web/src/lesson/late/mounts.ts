export { MountsView as default } from '@terrarium/views';
