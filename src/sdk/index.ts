export type {
  Action,
  AnyAction,
  Concern,
  Credential,
  CredentialState,
  DeliveryKind,
  Evidence,
  ExpiryGuarantee,
  GrantAccessAction,
  GrantsAccess,
  Irreversible,
  Journaled,
  Json,
  Look,
  Outlook,
  RestoredCertificate,
  Reversible,
  RunContext,
  Severity,
  Step,
  StepRecord,
  TargetIdentity,
  Weight,
} from './action.ts'
export { isReversible } from './action.ts'
export type { CertificateSources, FoundCertificate } from './certificates.ts'
export type { CertificateFacts, CertificateToGo, Distributes } from './distribution.ts'
export type { ErrorCode, ErrorDetails } from './errors.ts'
export { BrokerError, ERRORS, isBrokerError, storable } from './errors.ts'
export { parseJson } from './json.ts'
export type {
  AnyPlugin,
  Described,
  DiscoveredResource,
  DiscoveryPage,
  GrantInput,
  HealthCheck,
  Host,
  Manifest,
  Marked,
  Permission,
  Plugin,
  PolicyAdvice,
  ResourceType,
  SessionStatus,
} from './plugin.ts'
export { retired } from './retired.ts'
export { Secret, secret } from './secret.ts'
