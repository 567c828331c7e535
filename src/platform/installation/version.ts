/** Of this program; package.json has the same. `-dev` is what comes after the last release and before the next. */
export const VERSION = '0.2.0-dev'
