export {
  type PlanSource,
  type PreparedPlan,
  type StepperKit,
  StepperRefused,
} from './plan-source.js';
export { SessionStepper } from './session-stepper.js';
