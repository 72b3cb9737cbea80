export { StepperView as default } from '../../stepper/stepper-view';
