/** A system call as text: names, strings, constants apart; registers with the values they have. */
import { piecesOf } from './tape';

/** @param props.registers what is known; a register without a value keeps its name in brackets */
export function CallText(props: {
  readonly display: string;
  readonly registers: Readonly<Record<string, string>>;
}) {
  return (
    <code className="call">
      {piecesOf(props.display, props.registers).map((piece, index) => {
        const key = `${index} ${piece.text}`;
        if (piece.kind !== 'register') {
          return (
            <span key={key} className={`call-${piece.kind}`}>
              {piece.text}
            </span>
          );
        }
        return piece.value === undefined ? (
          <span key={key} className="call-unset">
            ‹{piece.text}›
          </span>
        ) : (
          <span key={key} className="call-register" title={piece.text}>
            {piece.value}
            <span className="call-register-name">{piece.text}</span>
          </span>
        );
      })}
    </code>
  );
}
