import { readFile } from 'node:fs/promises'
import type { ServerBinary } from './vault-binary.ts'
import { files } from './vault-config.ts'
import { ended, spawnLeashed } from './vault-leash.ts'
import { waitFor } from './vault-wait.ts'

/**
 * Makes a CA and a certificate for 127.0.0.1 and localhost in `folder`, and returns the CA's. Node cannot write an X.509 certificate and
 * openssl may be missing, but both servers make one for their own `-dev-tls`: we take it and end them before they serve.
 */
export async function makeCertificate(binary: ServerBinary, folder: string): Promise<string> {
  const args = ['-dev', '-dev-tls', `-dev-tls-cert-dir=${folder}`, '-dev-listen-address=127.0.0.1:0', '-dev-no-store-token']
  const server = spawnLeashed(binary.path, ['server', ...args], { folder })
  try {
    // the key is the last of the three to be written
    await waitFor('the server’s certificate', async () => {
      const key = await readFile(files(folder).privateKey, 'utf8').catch(() => '')
      return key.trimEnd().endsWith('PRIVATE KEY-----') && key.includes('END')
    })
  } finally {
    server.kill('SIGKILL')
    await ended(server)
  }
  return readFile(files(folder).ca, 'utf8')
}
