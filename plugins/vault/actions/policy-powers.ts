const POWERS: readonly (readonly [RegExp, string])[] = [
  [/\bsudo\b/, 'It names `sudo`, which opens paths that are for administrators.'],
  [/(?:\bpath\s+|^|[{,]\s*)"\+?\*"/, 'It has a rule for every path of the server.'],
  [/"(?:\+\/)*sys\/policies?\//, 'It has a rule for policies: who has it may give more rights.'],
  [/"(?:\+\/)*auth\//, 'It has a rule for logins and tokens.'],
  [/"(?:\+\/)*identity\//, 'It has a rule for identities.'],
]

/** What a document of a policy seems to give that weighs more than secrets do; a comment counts as well, because nothing is parsed. */
export function powersIn(document: string): string[] {
  return POWERS.flatMap(([sign, because]) => (sign.test(document) ? [because] : []))
}
