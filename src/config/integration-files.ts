import path from 'node:path'

/** A file that integrations may read, and the address it may be used for. */
export interface LentFile {
  readonly path: string
  readonly address: string
}

/** `/run/secrets/token=https://target.example.com`, several parted by commas; undefined when it is not that. */
export function parseLentFiles(text: string): LentFile[] | undefined {
  const files = text.split(',').map((one) => {
    const [, file = '', address = ''] = /^\s*(\/.*?)=(https?:\/\/\S+?)\s*$/.exec(one) ?? []
    const place = addressOf(address)
    return place !== undefined && path.normalize(file) === file ? { path: file, address: place } : undefined
  })
  return files.every((file) => file !== undefined) ? files : undefined
}

/** One spelling for one address; undefined for what is none. */
export function addressOf(text: string): string | undefined {
  const url = URL.parse(text)
  if (url?.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}
