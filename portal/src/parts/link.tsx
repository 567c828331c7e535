import { Anchor, Button, type ButtonProps } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import { type AnchorHTMLAttributes, forwardRef } from 'react'

type Native = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'color' | 'style'>

/** Links within the portal, as text and as a button. */
export const TextLink = createLink(
  forwardRef<HTMLAnchorElement, Native>((props, ref) => <Anchor {...props} ref={ref} underline="always" />),
)

export const ButtonLink = createLink(
  forwardRef<HTMLAnchorElement, Native & ButtonProps>((props, ref) => <Button {...props} component="a" ref={ref} />),
)
