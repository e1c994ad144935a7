// Preloaded into a worker: after a while its Date is off by SLUICE_CLOCK_STEP_MS. Timers go on as they were, as with a real step.
const stepMs = Number(process.env.SLUICE_CLOCK_STEP_MS ?? 0)
const RealDate = Date
let offsetMs = 0
setTimeout(() => (offsetMs = stepMs), Number(process.env.SLUICE_CLOCK_STEP_AFTER_MS ?? 0)).unref()

globalThis.Date = class Date extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + offsetMs)
    else super(...args)
  }
  static now() {
    return RealDate.now() + offsetMs
  }
}
