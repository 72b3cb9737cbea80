/** The page's buttons: one primary a view, the rest quiet. */
import type { ButtonHTMLAttributes, Ref } from 'react';
import { Icon, type IconName } from './icons';

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: 'primary' | 'secondary' | 'quiet' | 'danger';
  readonly icon?: IconName;
  /** the icon after the text: for going on */
  readonly iconAfter?: boolean;
  readonly ref?: Ref<HTMLButtonElement>;
}

/** A button with a verb on it. */
export function Button(props: ButtonProps) {
  const { look = 'secondary', icon, iconAfter = false, children, className = '', ...rest } = props;
  const drawing = icon === undefined ? null : <Icon name={icon} size={14} />;
  return (
    <button type="button" {...rest} className={`button button-${look} ${className}`}>
      {iconAfter ? null : drawing}
      <span>{children}</span>
      {iconAfter ? drawing : null}
    </button>
  );
}

/** A button that is only a drawing; its label is its name and its tooltip. */
export function IconButton(
  props: Omit<ButtonProps, 'look' | 'icon' | 'iconAfter' | 'children'> & {
    readonly icon: IconName;
    readonly label: string;
  },
) {
  const { icon, label, className = '', ...rest } = props;
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      className={`icon-button ${className}`}
    >
      <Icon name={icon} />
    </button>
  );
}
