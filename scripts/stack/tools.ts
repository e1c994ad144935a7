import { spawn } from 'node:child_process'

const running = new Set<number>()
process.on('exit', () => {
  for (const pid of running) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended meanwhile.
    }
  }
})

export interface ToolOptions {
  cwd?: string
  uid?: number
  env?: Record<string, string>
}

/** Runs a command to its end and returns what it printed. A failure's message holds the command's own last words. */
export function runTool(command: string, args: string[], options: ToolOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    })
    let output = ''
    if (child.pid !== undefined) running.add(child.pid)
    const collect = (chunk: Buffer) => {
      output += chunk.toString()
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', (error) => reject(new Error(`cannot run ${command}: ${error.message}`)))
    child.on('close', (code) => {
      if (child.pid !== undefined) running.delete(child.pid)
      if (code === 0) resolve(output)
      else reject(new Error(`${command} ${args.slice(0, 3).join(' ')} failed with ${code}:\n${output.trim().slice(-2000)}`))
    })
  })
}
