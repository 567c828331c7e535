export interface MetricsAddress {
  readonly host: string
  readonly port: number
}

/** `127.0.0.1:9464`, `[::]:9464`; undefined when it is neither. */
export function parseMetricsAddress(text: string): MetricsAddress | undefined {
  const [, host = '', port = ''] = /^(\[[0-9a-f:.]+\]|[0-9a-z.-]+):(\d{1,5})$/i.exec(text) ?? []
  if (host === '' || Number(port) > 65_535) return undefined
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}
