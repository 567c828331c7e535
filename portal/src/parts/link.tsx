import { Anchor } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import { type AnchorHTMLAttributes, forwardRef } from 'react'

type Native = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'color' | 'style'>

/** A link within the portal. */
export const TextLink = createLink(
  forwardRef<HTMLAnchorElement, Native>((props, ref) => <Anchor {...props} ref={ref} underline="always" />),
)
