/** Advice to a reader (`fix`) is a document's matter, not a rule's: no bug is planted there. */
export const strykerPlugins = [
  {
    kind: 'Ignore',
    name: 'words-for-people',
    value: {
      shouldIgnore: (path) =>
        path.isObjectProperty() && path.node.key.name === 'fix' ? 'advice to a reader decides nothing' : undefined,
    },
  },
]
