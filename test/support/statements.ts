/** Reads what a client sends to PostgreSQL, and knows its statements by their first words. */
export class Statements {
  private buffer: Buffer = Buffer.alloc(0)
  private isStarted = false
  private text = ''

  /** The statements that are complete with this chunk. */
  complete(chunk: Buffer): string[] {
    this.buffer = Buffer.concat([this.buffer, chunk])
    const complete: string[] = []
    for (let message = this.next(); message; message = this.next()) {
      const { type, body } = message
      if (type === 'Q') complete.push(labelOf(body.toString('utf8')))
      if (type === 'P') this.text = labelOf(body.subarray(body.indexOf(0) + 1).toString('utf8'))
      if (type === 'B')
        this.text ||= body
          .subarray(body.indexOf(0) + 1)
          .toString('latin1')
          .split('\0')[0]!
      if (type !== 'S') continue
      complete.push(this.text)
      this.text = ''
    }
    return complete
  }

  private next(): { type: string; body: Buffer } | undefined {
    const head = this.isStarted ? 1 : 0
    if (this.buffer.length < head + 4) return undefined
    const end = head + this.buffer.readUInt32BE(head)
    if (this.buffer.length < end) return undefined
    const message = {
      type: this.isStarted ? String.fromCharCode(this.buffer[0]!) : '',
      body: this.buffer.subarray(head + 4, end),
    }
    this.buffer = this.buffer.subarray(end)
    this.isStarted = true
    return message
  }
}

function labelOf(text: string): string {
  return text.split('\0')[0]!.replaceAll(/\s+/g, ' ').trim().slice(0, 70)
}

/** What PostgreSQL says before it ends a session that stood still in a transaction. */
export function stoodStill(): Buffer {
  const fields = 'SFATAL\0VFATAL\0C25P03\0Mterminating connection due to idle-in-transaction timeout\0\0'
  const message = Buffer.alloc(5 + fields.length)
  message.write('E')
  message.writeUInt32BE(4 + fields.length, 1)
  message.write(fields, 5, 'latin1')
  return message
}

/** Whether the server has said all it had to say to a statement. */
export function isReady(chunk: Buffer): boolean {
  return chunk.length >= 6 && chunk[chunk.length - 6] === 0x5a && chunk.readUInt32BE(chunk.length - 5) === 5
}

/** Whether there is a row in an answer of which this is the beginning. */
export function hasRows(answer: Buffer): boolean {
  for (let at = 0; at + 5 <= answer.length; at += 1 + answer.readUInt32BE(at + 1)) if (answer[at] === 0x44) return true
  return false
}
