import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const LAUNCHER = path.resolve(import.meta.dirname, '../dev/vault/vault-server.ts')

/** The test files, of those in `folder`, that start a Vault or an OpenBao: they import its launcher, directly or through another file. */
export function filesThatNeedServer(folder: string): string[] {
  const known = new Map<string, boolean>()
  const reaches = (file: string): boolean => {
    const answer = known.get(file)
    if (answer !== undefined) return answer
    known.set(file, file === LAUNCHER) // also while we look, so that a circle ends
    const found = file === LAUNCHER || importsOf(file).some(reaches)
    known.set(file, found)
    return found
  }
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .filter((name) => reaches(path.join(folder, name)))
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/from '(\.[^']+\.ts)'/g)]
    .map(([, place = '']) => path.resolve(path.dirname(file), place))
    .filter(existsSync)
}
