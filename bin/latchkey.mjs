#!/usr/bin/env node
// Understood by any Node: one that is too old hands over to the one that `npm ci` brought along.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'

const at = (place) => fileURLToPath(new URL(place, import.meta.url))
const [major, minor] = process.versions.node.split('.').map(Number)

if (major < 22 || (major === 22 && minor < 19)) {
  const newer = ['linux-x64', 'linux-arm64', 'win-x64']
    .map((platform) => at(`../node_modules/node-${platform}/bin/node${platform === 'win-x64' ? '.exe' : ''}`))
    .find((place) => existsSync(place))
  if (!newer) {
    console.error(`Node ${process.version} is too old: latchkey needs 22.19 or newer. "npm ci" brings it for Linux and Windows.`)
    process.exit(78)
  }
  const { status, signal } = spawnSync(newer, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  if (signal) process.kill(process.pid, signal)
  process.exit(status ?? 1)
}

const main = at('../dist/src/cli/main.js')
if (!existsSync(main)) {
  console.error('latchkey is not built yet: run "npm run build" first.')
  process.exit(78)
}
// The reader may stop before we have said everything, as in `latchkey grants | head`.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})
const { run } = await import(pathToFileURL(main).href)
process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  print: (line) => process.stdout.write(`${line}\n`),
  tell: (line) => process.stderr.write(`${line}\n`),
})
