/** A mistake of whoever runs the server. The message says all there is to say: no stack is shown. */
export class OperatorError extends Error {
  override name = 'OperatorError'
}
