import { open } from 'node:fs/promises'
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common'
import { Installation } from '../platform/installation/installation.ts'
import { CONFIG } from '../platform/platform.module.ts'
import { Database, row } from '../platform/postgres/database.ts'
import { Sealer } from '../platform/sealing/sealing.ts'
import { Readiness } from '../platform/watching/readiness.ts'
import { CHECKPOINT_PURPOSE, CheckpointSigner } from './checkpoint.ts'

const PART = 'audit checkpoints'

interface Settings {
  readonly checkpointFile?: string
  readonly checkpointSeconds: number
}

/** Says in a file and in the log where the trail ends, signed. Local work: each replica says it in its own. */
@Injectable()
export class Checkpoints implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly log = new Logger(Checkpoints.name)
  private readonly signer: CheckpointSigner
  private timer: NodeJS.Timeout | undefined
  private lastSeq = -1
  private underWay: Promise<void> = Promise.resolve()

  constructor(
    private readonly database: Database,
    private readonly installation: Installation,
    private readonly readiness: Readiness,
    sealer: Sealer,
    @Inject(CONFIG) private readonly config: Settings,
  ) {
    this.signer = new CheckpointSigner(sealer.derive(CHECKPOINT_PURPOSE)[0]!)
  }

  onApplicationBootstrap(): void {
    this.log.log({ publicKey: this.signer.publicKey }, 'audit checkpoints are signed')
    this.timer = setInterval(() => this.say(), this.config.checkpointSeconds * 1000)
    this.say()
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer)
    await this.underWay
  }

  private say(): void {
    this.underWay = this.underWay
      .then(() => this.write())
      .catch((error: unknown) => {
        this.log.error({ error }, 'the audit checkpoint was not written')
        this.readiness.report(PART, { ok: false, detail: 'the audit checkpoint was not written' })
      })
  }

  private async write(): Promise<void> {
    const head = await row<{ seq: string; hash: string; at: Date }>(
      this.database.pool,
      `select seq::text, encode(hash, 'hex') as hash, clock_timestamp() as at from audit_head`,
    )
    if (!head || head.seq === '0' || Number(head.seq) === this.lastSeq) return
    const { instance } = this.installation
    const line = this.signer.lineOf({ instance, seq: Number(head.seq), hash: head.hash, at: head.at.toISOString() })
    if (this.config.checkpointFile !== undefined) await append(this.config.checkpointFile, line)
    this.log.log(JSON.parse(line), 'audit checkpoint')
    this.lastSeq = Number(head.seq)
    this.readiness.report(PART, { ok: true })
  }
}

/** A line that a crash broke off is followed by a whole one. */
async function append(file: string, line: string): Promise<void> {
  const handle = await open(file, 'a', 0o640)
  try {
    await handle.appendFile(`\n${line}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
