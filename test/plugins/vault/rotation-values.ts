export const DB = { mount: 'kv', path: 'app/db' }
export const made = { by: 'recipe' }
export const given = (value: string) => ({ by: 'value', value })
