import { TextLink } from '../../parts/link.tsx'

/** What something happened to, by its id; where it has a page, as the way there. */
export function Subject({ id }: { readonly id: string }) {
  const shown = <code>{id}</code>
  const params = { id }
  switch (id.split('_')[0]) {
    case 'grt':
      return (
        <TextLink to="/audit/grants/$id" params={params}>
          {shown}
        </TextLink>
      )
    case 'req':
      return (
        <TextLink to="/requests/$id" params={params}>
          {shown}
        </TextLink>
      )
    case 'run':
      return (
        <TextLink to="/runs/$id" params={params}>
          {shown}
        </TextLink>
      )
    case 'dst':
      return (
        <TextLink to="/distributions/$id" params={params}>
          {shown}
        </TextLink>
      )
    case undefined:
      return null
    default:
      return shown
  }
}
