import { expect, test } from 'vitest';
import { runUndo } from './undo.js';

test('runUndo runs every step, newest first, and tells the first failure and the rest', async () => {
  const order: string[] = [];
  const error = await runUndo('create sandbox x', new Error('clone3: EAGAIN'), [
    { name: 'a', run: () => void order.push('a') },
    {
      name: 'b',
      run: () => {
        order.push('b');
        throw new Error('busy');
      },
    },
    { name: 'c', run: async () => void order.push('c') },
  ]);
  expect(order).toEqual(['c', 'b', 'a']);
  expect(error.message).toBe('create sandbox x: clone3: EAGAIN; and then b: busy');
  expect(error.leftovers).toHaveLength(1);
});
