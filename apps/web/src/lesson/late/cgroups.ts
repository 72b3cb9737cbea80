export { CgroupsView as default } from '@terrarium/views';
