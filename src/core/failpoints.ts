/**
 * The crash windows of the protocol, by name. In production `reach` is `nothing`; tests arm one through
 * CDC_FAILPOINTS (for example `commit.afterEntry=kill`), and the simulation gives its own function.
 */
export const failpoints = [
  // The first steps of every run, so also what follows continue-as-new.
  'claim.before',
  'claim.after',
  'open.before',
  'open.after',
  'poll.before',
  'poll.after',
  'write.before',
  'write.midFile',
  'write.afterPart',
  'write.beforeObject',
  'write.afterObject',
  'commit.before',
  'commit.beforeEntry',
  'commit.afterEntry',
  'commit.beforeMirror',
  'commit.afterMirror',
] as const

export type Failpoint = (typeof failpoints)[number]
export type Reach = (point: Failpoint) => Promise<void> | void

export const nothing: Reach = () => {}
