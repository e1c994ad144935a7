import { describe, expect, test } from 'vitest'
import { claimId, giveUpClaim, holdClaim } from '../../../src/activities/claim.ts'
import type { Claims } from '../../../src/activities/deps.ts'
import { code } from '../../../src/core/failures.ts'
import type { Carrier } from '../../../src/core/jobs.ts'

const id = claimId('airline', 'public.flights')

/** Temporal in small: one claim, and the executions that run. */
class Server implements Claims {
  claim: { runId: string; holder: Carrier } | null = null
  running = new Map<string, string>()
  runs = 0

  start(_id: string, holder: Carrier): Promise<boolean> {
    if (this.claim) return Promise.resolve(false)
    this.claim = { runId: `run-${++this.runs}`, holder }
    return Promise.resolve(true)
  }
  describe(): ReturnType<Claims['describe']> {
    return Promise.resolve(this.claim && { running: true, ...this.claim })
  }
  runningFirstRunId(workflowId: string): Promise<string | null> {
    return Promise.resolve(this.running.get(workflowId) ?? null)
  }
  terminate(_id: string, runId: string): Promise<void> {
    if (this.claim?.runId === runId) this.claim = null
    return Promise.resolve()
  }
}

const hold = (server: Server, me: Carrier) => holdClaim(server, id, me, 'public.flights', code.CarrierExists)
const carrier = (workflowId: string, firstRunId = `${workflowId}-1`): Carrier => ({ workflowId, firstRunId })

describe('the claim', () => {
  test('is taken by the first, is found again by it, and names it to the others', async () => {
    const server = new Server()
    const [a, b] = [carrier('a'), carrier('b')]
    server.running.set('a', a.firstRunId)
    await hold(server, a)
    await hold(server, a)
    expect(server.runs).toBe(1)
    await expect(hold(server, b)).rejects.toMatchObject({ code: 'CDC1003', details: { holder: a } })
    await expect(hold(server, b)).rejects.toThrow('carried by workflow a')
  })

  test('of a holder that no longer runs is taken, also when a new execution has its workflow id', async () => {
    const server = new Server()
    await hold(server, carrier('a', 'first'))
    server.running.set('a', 'second')
    await hold(server, carrier('a', 'second'))
    expect(server.claim?.holder.firstRunId).toBe('second')
    server.running.delete('a')
    await hold(server, carrier('b'))
    expect(server.claim?.holder.workflowId).toBe('b')
  })

  test('goes to exactly one of many who find it ownerless at once', async () => {
    const server = new Server()
    await hold(server, carrier('gone'))
    const rivals = Array.from({ length: 10 }, (_, i) => carrier(`rival-${i}`))
    for (const rival of rivals) server.running.set(rival.workflowId, rival.firstRunId)
    const outcomes = await Promise.allSettled(rivals.map((rival) => hold(server, rival)))
    expect(outcomes.filter((o) => o.status === 'fulfilled')).toHaveLength(1)
  })

  test('is given up only by its holder', async () => {
    const server = new Server()
    await hold(server, carrier('a'))
    await giveUpClaim(server, id, carrier('b'))
    expect(server.claim).not.toBe(null)
    await giveUpClaim(server, id, carrier('a'))
    expect(server.claim).toBe(null)
  })
})
