/** What a step could not do: where, and a reason that follows the place. Becomes the caller's `field` and `reason`. */
export type Fault = { field: string; reason: string }

export class StepFault extends Error {
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[]) {
    super(faults.map(({ field, reason }) => (field === '' ? reason : `${field} ${reason}`)).join('; '))
    this.faults = faults
  }
}

export const fault = (field: string, reason: string): StepFault => new StepFault([{ field, reason }])
