/** How credentials leave this plugin. */
export const DELIVERIES = [
  { name: 'token', title: 'Token, response-wrapped and ended by the server', shows: 'wrapped' },
  { name: 'password', title: 'User name and password, shown once', shows: 'once' },
] as const
