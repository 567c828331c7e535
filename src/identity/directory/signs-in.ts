import type { Config } from '../../config/config.ts'

type Confirmed = Pick<Config, 'tokensConfirmedHours'>

/** True for `u`, a row of users, who gets in by signing in at the identity provider. */
export function signsIn({ oidc }: Pick<Config, 'oidc'>): string {
  const identity = 'exists (select from identities i where i.user_id = u.id)'
  return oidc ? `(u.source = 'scim' or ${identity})` : identity
}

/**
 * True for `u` while the provider's last word on them was yes, and not longer ago than tokens may go without it; for who has no identity, always.
 * @param issuer the parameter that holds the provider's
 */
export function isVouchedFor({ tokensConfirmedHours }: Confirmed, issuer: string, person = 'u'): string {
  return `coalesce((
    select i.confirmed_at > now() - make_interval(hours => ${tokensConfirmedHours}) and (i.refused_at is null or i.refused_at < i.confirmed_at)
    from identities i where i.user_id = ${person}.id order by i.issuer = ${issuer} desc, i.confirmed_at desc limit 1), true)`
}

/** True for `t`, a token of `u`, that may be in the hands of somebody else as well. */
export const WENT_THROUGH_OTHER_HANDS = 'exists (select from unnest(t.makers) as m (maker) where m.maker <> u.id)'

/** True for `t`, a token or code, while everybody who may have it in hand is here, and vouched for as their own tokens need it. */
export function isInGoodHands(config: Confirmed, issuer: string, hands = 't.makers'): string {
  return `not exists (
    select from unnest(${hands}) as m (maker) left join users h on h.id = m.maker
    where h.state is distinct from 'active' or not ${isVouchedFor(config, issuer, 'h')})`
}
