/** The object store on S3, or on whatever speaks it and honours `If-None-Match` (probe.ts makes sure of that). */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  type S3ClientConfig,
} from '@aws-sdk/client-s3'
import { crc32 } from '@node-rs/crc32'
import { giveBackMemory, takeMemory } from '../core/keptMemory.ts'
import { asking, created, orNull } from './s3Answers.ts'
import type { ObjectStore, PutOutcome, Upload } from './store.ts'

export interface S3StoreOptions {
  readonly bucket: string
  /** What stands before every key, without slashes at its ends; may be empty. */
  readonly prefix: string
  /** Default: the SDK's own chain. */
  readonly region?: string | undefined
  readonly endpoint?: string | undefined
  readonly forcePathStyle?: boolean | undefined
  /** Default: the SDK's own chain (environment, profile, instance role). */
  readonly credentials?:
    { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string | undefined } | undefined
  /** Bytes of a part, and below which an upload is one put; S3 wants at least 5 MiB. */
  readonly partBytes?: number
  /**
   * Whether large uploads may be completed from parts. Only where the store decides racing completions of one key as it does
   * puts, as Amazon S3 does: SeaweedFS 4.48 let several win in 5 of 60 races (docs/decisions/0001). Default true.
   */
  readonly multipart?: boolean | undefined
  readonly requestTimeoutMs?: number
}

/** Kept short of what a heartbeat allows for; a lost answer is asked for by reading, not by waiting. */
const defaultRequestTimeoutMs = 30_000
const partsInFlight = 2

export interface S3Store extends ObjectStore {
  close(): void
}

export function s3Store(options: S3StoreOptions): S3Store {
  const timeout = options.requestTimeoutMs ?? defaultRequestTimeoutMs
  const config: S3ClientConfig = {
    ...(options.region !== undefined && { region: options.region }),
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    // A copy: the SDK writes into the object that it is given, and a config is frozen.
    ...(options.credentials && { credentials: credentialsOf(options.credentials) }),
    forcePathStyle: options.forcePathStyle ?? false,
    // By itself the SDK only warns when `requestTimeout` is over.
    requestHandler: { connectionTimeout: 5_000, requestTimeout: timeout, socketTimeout: timeout, throwOnRequestTimeout: true },
  }
  const clients: Clients = {
    // A conditional write that the SDK repeats would meet its own first try as a 412 (SEMANTICS 0.7).
    once: new S3Client({ ...config, maxAttempts: 1 }),
    again: new S3Client({ ...config, maxAttempts: 3 }),
  }
  return {
    ...storeOf(clients, options, undefined),
    close() {
      clients.once.destroy()
      clients.again.destroy()
    },
  }
}

interface Clients {
  readonly once: S3Client
  readonly again: S3Client
}

interface Place {
  readonly Bucket: string
  readonly Key: string
}

function credentialsOf({ accessKeyId, secretAccessKey, sessionToken }: NonNullable<S3StoreOptions['credentials']>) {
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) }
}

function storeOf(clients: Clients, options: S3StoreOptions, signal: AbortSignal | undefined): ObjectStore {
  const { bucket: Bucket, prefix } = options
  const stem = prefix === '' ? '' : `${prefix}/`
  const at = (key: string): Place => ({ Bucket, Key: stem + key })
  const abort = signal && { abortSignal: signal }
  const multipart = options.multipart ?? true
  const partBytes = multipart ? (options.partBytes ?? 8 << 20) : Number.POSITIVE_INFINITY
  return {
    multipart,
    async get(key) {
      return await orNull(signal, `GET ${key}`, async () => {
        const { Body } = await clients.again.send(new GetObjectCommand(at(key)), abort)
        return await Body!.transformToByteArray()
      })
    },
    async head(key) {
      return await orNull(signal, `HEAD ${key}`, async () => {
        const { ContentLength } = await clients.again.send(new HeadObjectCommand(at(key)), abort)
        return { size: ContentLength ?? 0 }
      })
    },
    putIfAbsent: (key, bytes) => conditionalPut(clients, at(key), bytes, signal),
    upload: (key, upload = {}) => new S3Upload(clients, at(key), partBytes, upload.multipart ?? false, signal),
    async *list(prefix, after) {
      let from: { StartAfter?: string; ContinuationToken?: string } = after === undefined ? {} : { StartAfter: stem + after }
      for (;;) {
        const request = new ListObjectsV2Command({ Bucket, Prefix: stem + prefix, ...from })
        const page = await asking(signal, `LIST ${prefix}`, clients.again.send(request, abort))
        for (const { Key, Size } of page.Contents ?? []) yield { key: Key!.slice(stem.length), size: Size ?? 0 }
        if (!page.IsTruncated || page.NextContinuationToken === undefined) return
        from = { ContinuationToken: page.NextContinuationToken }
      }
    },
    async delete(key) {
      await asking(signal, `DELETE ${key}`, clients.again.send(new DeleteObjectCommand(at(key)), abort))
    },
    bound: (other) => storeOf(clients, options, signal ? AbortSignal.any([signal, other]) : other),
  }
}

async function conditionalPut(clients: Clients, at: Place, bytes: Uint8Array, signal?: AbortSignal): Promise<PutOutcome> {
  const put = new PutObjectCommand({ ...at, Body: bytes, IfNoneMatch: '*', ChecksumCRC32: checksum(bytes) })
  return await created(signal, `PUT ${at.Key}`, clients.once.send(put, signal && { abortSignal: signal }))
}

/** Parts of `partBytes`, two under way at most; all that fits below is held back and becomes one plain put. */
class S3Upload implements Upload {
  private readonly clients: Clients
  private readonly at: Place
  private readonly partBytes: number
  private readonly signal: AbortSignal | undefined
  private multipart: boolean
  private held = takeMemory(0)
  private heldBytes = 0
  private uploadId: Promise<string> | null = null
  private readonly parts: Promise<{ PartNumber: number; ETag: string; ChecksumCRC32: string }>[] = []
  private inFlight: Promise<unknown>[] = []
  private done = false

  constructor(clients: Clients, at: Place, partBytes: number, multipart: boolean, signal: AbortSignal | undefined) {
    this.clients = clients
    this.at = at
    this.partBytes = partBytes
    this.multipart = multipart
    this.signal = signal
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length;) {
      const taken = bytes.subarray(from, from + this.partBytes - this.heldBytes)
      this.hold(taken)
      from += taken.length
      if (this.heldBytes === this.partBytes) await this.sendPart()
    }
  }

  async complete(): Promise<PutOutcome> {
    if (!this.multipart && this.parts.length === 0) {
      this.done = true
      const bytes = this.take()
      const outcome = await conditionalPut(this.clients, this.at, bytes, this.signal)
      // After any other answer some of it may still be on its way out.
      if (outcome === 'created') giveBackMemory(bytes)
      return outcome
    }
    if (this.heldBytes > 0 || this.parts.length === 0) await this.sendPart()
    const MultipartUpload = { Parts: await Promise.all(this.parts) }
    const UploadId = await this.uploadId!
    const request = new CompleteMultipartUploadCommand({ ...this.at, UploadId, MultipartUpload, IfNoneMatch: '*' })
    const outcome = await created(this.signal, `COMPLETE ${this.at.Key}`, this.clients.once.send(request, this.abortable))
    this.done = outcome === 'created'
    if (outcome === 'exists') await this.abort()
    return outcome
  }

  async abort(): Promise<void> {
    this.take()
    if (this.done || this.uploadId === null) return
    this.done = true
    await Promise.allSettled(this.parts)
    try {
      // Without the signal: it may be the very reason why this upload is given up.
      await this.clients.again.send(new AbortMultipartUploadCommand({ ...this.at, UploadId: await this.uploadId }))
    } catch {
      // A left-over upload is invisible, and the bucket's rule for incomplete uploads ends it (DESIGN §4.10).
    }
  }

  private get abortable(): { abortSignal: AbortSignal } | undefined {
    return this.signal && { abortSignal: this.signal }
  }

  private hold(bytes: Uint8Array): void {
    const length = this.heldBytes + bytes.length
    if (length > this.held.length) {
      const { held } = this
      this.held = takeMemory(Math.min(this.partBytes, Math.max(length, held.length * 2)))
      this.held.set(held.subarray(0, this.heldBytes))
      giveBackMemory(held)
    }
    this.held.set(bytes, this.heldBytes)
    this.heldBytes = length
  }

  private take(): Uint8Array {
    const bytes = this.held.subarray(0, this.heldBytes)
    this.held = takeMemory(0)
    this.heldBytes = 0
    return bytes
  }

  private async sendPart(): Promise<void> {
    this.uploadId ??= this.begin()
    const part = this.upload(this.parts.length + 1, this.take())
    part.catch(() => {}) // told by `complete`, or by the next wait below
    this.parts.push(part)
    this.inFlight.push(part)
    if (this.inFlight.length >= partsInFlight) await this.inFlight.shift()
  }

  private async begin(): Promise<string> {
    const request = new CreateMultipartUploadCommand({ ...this.at, ChecksumAlgorithm: 'CRC32' })
    const { UploadId } = await asking(this.signal, `CREATE ${this.at.Key}`, this.clients.again.send(request, this.abortable))
    return UploadId!
  }

  private async upload(
    PartNumber: number,
    Body: Uint8Array,
  ): Promise<{ PartNumber: number; ETag: string; ChecksumCRC32: string }> {
    const ChecksumCRC32 = checksum(Body)
    const request = new UploadPartCommand({ ...this.at, UploadId: await this.uploadId!, PartNumber, Body, ChecksumCRC32 })
    const { ETag } = await asking(
      this.signal,
      `PART ${PartNumber} of ${this.at.Key}`,
      this.clients.again.send(request, this.abortable),
    )
    giveBackMemory(Body)
    return { PartNumber, ETag: ETag!, ChecksumCRC32 }
  }
}

function checksum(bytes: Uint8Array): string {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return sum.toString('base64')
}
