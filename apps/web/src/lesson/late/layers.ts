export { LayersView as default } from '@terrarium/views';
