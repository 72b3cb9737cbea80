export { CommandsView as default } from '../../past/commands-view';
