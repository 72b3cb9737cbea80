export { NamespacesView as default } from '@terrarium/views';
