// Compiles to dist/, the portal to dist/portal. With --if-stale only when a source is newer than the last build; `npm ci` must have run
// first.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { mustBeInstalled } from './installed.mjs'

const root = path.resolve(import.meta.dirname, '..')
const stamp = path.join(root, 'dist', '.built')
const sources = [
  'src',
  'plugins',
  'vault',
  'migrations',
  'dev',
  'bench',
  'portal',
  'tsconfig.json',
  'tsconfig.build.json',
  'tsconfig.vault.json',
  'package.json',
]

if (Number(process.versions.node.split('.')[0]) < 22) {
  console.error(`Node ${process.version} is too old. Run "npm ci" first: it brings Node 24 for every npm script.`)
  process.exit(78)
}

const newest = (place) => {
  if (!existsSync(place)) return 0
  const stat = statSync(place)
  if (!stat.isDirectory()) return stat.mtimeMs
  const names = readdirSync(place).filter((name) => name !== 'node_modules')
  return Math.max(stat.mtimeMs, ...names.map((name) => newest(path.join(place, name))))
}
const isFresh = () => existsSync(stamp) && Math.max(...sources.map((s) => newest(path.join(root, s)))) < statSync(stamp).mtimeMs

if (process.argv.includes('--if-stale') && isFresh()) process.exit(0)
mustBeInstalled()
rmSync(path.join(root, 'dist'), { recursive: true, force: true })
const compile = (config) =>
  spawnSync(path.join(root, 'node_modules/.bin/tsc'), ['-p', config], { cwd: root, stdio: 'inherit' }).status ?? 1
// What other programs may import comes with its types.
const status = compile('tsconfig.build.json') || compile('tsconfig.vault.json')
if (status !== 0) process.exit(status)
await buildPortal()
writeFileSync(stamp, '')

async function buildPortal() {
  const { build } = await import('vite')
  await build({ configFile: path.join(root, 'portal/vite.config.ts'), logLevel: 'warn' })
  const assets = path.join(root, 'dist/portal/assets')
  for (const name of readdirSync(assets).filter((one) => /\.(js|css|svg)$/.test(one))) {
    const file = path.join(assets, name)
    const content = readFileSync(file)
    writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }))
    writeFileSync(`${file}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }))
  }
}
