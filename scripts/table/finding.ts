/** A failure that a person can do something about: one line, and what to do next. Exit code 1, no stack trace. */
export class Finding extends Error {
  override readonly name = 'Finding'
  readonly hint: string | null
  /** A code of core/failures.ts, where there is one. */
  readonly code: string | null

  constructor(message: string, { hint = null, code = null }: { hint?: string | null; code?: string | null } = {}) {
    super(message)
    this.hint = hint
    this.code = code
  }
}
