// What Unicode has gained in letters, marks, numbers, punctuation and symbols since version 15, which is the one that the servers knew
// the longest: to one of them such a character is none that can be printed.
const NEWER = new RegExp(
  `[${[
    '\\u088f\\u0897\\u0c5c\\u0cdc\\u1acf-\\u1add\\u1ae0-\\u1aeb\\u1b4e-\\u1b4f\\u1b7f\\u1c89-\\u1c8a\\u20c1\\u2427-\\u2429\\u2b96',
    '\\u2ffc-\\u2fff\\u31e4-\\u31e5\\u31ef\\ua7cb-\\ua7cf\\ua7d2\\ua7d4\\ua7da-\\ua7dc\\ua7f1\\ufbc3-\\ufbd2\\ufd90-\\ufd91',
    '\\ufdc8-\\ufdce',
    ...`105c0-105f3 10940-10959 10d40-10d65 10d69-10d85 10d8e-10d8f 10ec2-10ec7 10ed0-10ed8 10efa-10efc 11380-11389 1138b 1138e
        11390-113b5 113b7-113c0 113c2 113c5 113c7-113ca 113cc-113d5 113d7-113d8 113e1-113e2 116d0-116e3 11b60-11b67 11bc0-11be1
        11bf0-11bf9 11db0-11ddb 11de0-11de9 11f5a 13460-143fa 16100-16139 16d40-16d79 16ea0-16eb8 16ebb-16ed3 16ff2-16ff6
        187f8-187ff 18cff 18d09-18d1e 18d80-18df2 1cc00-1ccfc 1cd00-1ceb3 1ceba-1ced0 1cee0-1cef0 1e5d0-1e5fa 1e5ff 1e6c0-1e6de
        1e6e0-1e6f5 1e6fe-1e6ff 1f6d8 1f777-1f77a 1f8b2-1f8bb 1f8c0-1f8c1 1f8d0-1f8d8 1fa54-1fa57 1fa89-1fa8a 1fa8e-1fa8f 1fabe
        1fac6 1fac8 1facd 1fadc 1fadf 1fae9-1faea 1faef 1fbcb-1fbef 1fbfa 2b73a-2b73f 2cea2-2cead 2ebf0-2ee5d 323b0-33479`
      .split(/\s+/)
      .map((range) => range.replace(/[0-9a-f]+/g, '\\u{$&}')),
  ].join('')}]`,
  'u',
)

/**
 * Why a server would refuse a request for this path, or ask another path instead, or undefined. What we cannot ask for, nobody can use.
 * A superset of what Go's unicode.IsPrint refuses, whatever the version of its tables.
 */
export function unaskable(path: string): string | undefined {
  if (!path.isWellFormed()) return 'the name is not valid Unicode'
  if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u.test(path)) return 'the name holds a character that cannot be printed'
  if (NEWER.test(path)) return 'the name holds a character that is newer than Unicode 15, which not every server takes'
  const segments = path.split('/')
  if (segments.includes('')) return 'the name holds an empty segment'
  if (segments.includes('.') || segments.includes('..')) return 'the name holds a relative segment'
  return undefined
}
