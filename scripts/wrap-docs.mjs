// Wraps what is longer than 120 columns in the Markdown files named (all of ours, where none is): paragraphs and items of lists, no tables and no code.
import { globSync, readFileSync, writeFileSync } from 'node:fs'

const WIDTH = 120
const named = process.argv.slice(2)

for (const file of named.length > 0 ? named : globSync(['*.md', 'docs/**/*.md', 'test/**/*.md'])) {
  const before = readFileSync(file, 'utf8')
  const after = wrapped(before)
  if (after !== before) writeFileSync(file, after)
}

function wrapped(text) {
  const out = []
  let block = []
  let fenced = false
  const flush = () => {
    out.push(...(block.some((line) => line.length > WIDTH) ? fill(block) : block))
    block = []
  }
  for (const line of text.split('\n')) {
    if (/^\s*```/.test(line)) fenced = !fenced
    const stands = fenced || /^\s*```|^\s*$|^#|^\||^ {4,}\S|^\s*<|^\s*>/.test(line)
    if (stands || /^\s*([-*]|\d+\.)\s/.test(line)) flush()
    if (stands) out.push(line)
    else block.push(line)
  }
  flush()
  return out.join('\n')
}

function fill([first, ...rest]) {
  const [, lead = ''] = /^(\s*(?:(?:[-*]|\d+\.)\s+)?)/.exec(first) ?? []
  const words = [first.slice(lead.length), ...rest].join(' ').trim().split(/\s+/)
  const lines = []
  let line = lead + words.shift()
  for (const word of words) {
    if (line.length + 1 + word.length <= WIDTH) line += ` ${word}`
    else {
      lines.push(line)
      line = ' '.repeat(lead.length) + word
    }
  }
  return [...lines, line]
}
