/**
 * The claim on a table: it exists, and that is all it does. Its id is the lock, its memo names the holder (DESIGN §3);
 * `claimTable` starts it, `releaseClaim` or the next holder terminates it.
 */
import { condition } from '@temporalio/workflow'

export async function tableClaim(): Promise<void> {
  await condition(() => false)
}
