import { writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

export interface Spread {
  readonly p50: number
  readonly p99: number
  readonly last: number
}

export function spread(samples: readonly number[]): Spread {
  const sorted = samples.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
  return { p50: at(0.5), p99: at(0.99), last: at(1) }
}

export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle) - 1] ?? Number.NaN)) / 2
}

/** Ours ÷ peer, pair by pair: the median, and how far the pairs lie apart. */
export function ratio(ours: readonly number[], peer: readonly number[]): string {
  const each = ours.map((one, index) => one / (peer[index] ?? Number.NaN)).filter((one) => !Number.isNaN(one))
  return `${median(each).toFixed(2)} (${Math.min(...each).toFixed(2)}–${Math.max(...each).toFixed(2)})`
}

export function seconds(milliseconds: number): string {
  return Number.isFinite(milliseconds) ? `${(milliseconds / 1000).toFixed(Math.abs(milliseconds) < 10_000 ? 2 : 1)} s` : '–'
}

export function milliseconds(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(Math.abs(value) < 10 ? 1 : 0)} ms` : '–'
}

export function inWords({ p50, p99, last }: Spread, unit = milliseconds): string {
  return [p50, p99, last].map(unit).join(' / ')
}

/** A table as the documents have it, so that a run can be copied there. */
export function printTable(head: readonly string[], lines: readonly (readonly string[])[]): void {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  console.log(['', row(head), `|${head.map(() => '---').join('|')}|`, ...lines.map(row)].join('\n'))
}

export function machine(more: Readonly<Record<string, string>> = {}): string {
  const cpus = os.cpus()
  const memory = `${Math.round(os.totalmem() / 2 ** 30)} GB`
  const load = os.loadavg()[0]?.toFixed(1)
  return [
    `${cpus.length} × ${cpus[0]?.model.trim() ?? 'unknown'}`,
    memory,
    `${os.type()} ${os.release()}`,
    `Node ${process.versions.node}`,
    ...Object.entries(more).map(([name, version]) => `${name} ${version}`),
    `load ${load} at the start`,
  ].join(', ')
}

/** Everything a run measured, unrounded. */
export class RawSamples {
  private readonly series: Record<string, unknown[]> = {}

  constructor(
    private readonly name: string,
    private readonly about: unknown,
  ) {}

  add(series: string, sample: unknown): void {
    this.series[series] ??= []
    this.series[series].push(sample)
  }

  write(): void {
    const file = path.join(os.tmpdir(), `latchkey-bench-${this.name}-${Date.now()}.json`)
    writeFileSync(file, JSON.stringify({ about: this.about, series: this.series }))
    console.log(`\nraw samples: ${file}`)
  }
}
