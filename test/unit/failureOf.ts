import { CdcFailure } from '../../src/core/failures.ts'

/** What `act` is refused with; null where it is not. Anything but a named failure is a defect and goes on. */
export function failureOf(act: () => unknown): CdcFailure | null {
  try {
    act()
    return null
  } catch (error) {
    if (error instanceof CdcFailure) return error
    throw error
  }
}
