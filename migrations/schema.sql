-- What all migrations make together. Written by test/platform/migrations.test.ts; change a migration, then this.

create table access_flow_versions (
  created_at timestamp with time zone not null default now(),
  created_by text,
  flow_id text not null,
  rule jsonb not null,
  version integer not null,
  constraint access_flow_versions_of_a_flow FOREIGN KEY (flow_id) REFERENCES access_flows(id) ON DELETE CASCADE,
  constraint access_flow_versions_pkey PRIMARY KEY (flow_id, version)
);

create table access_flows (
  active boolean not null default true,
  changed_at timestamp with time zone not null default now(),
  created_at timestamp with time zone not null default now(),
  created_by text,
  id text not null,
  integration_id text not null,
  name text not null,
  version integer not null default 1,
  constraint access_flows_name_present CHECK (name <> ''::text),
  constraint access_flows_of_an_integration FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint access_flows_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX access_flows_name_taken ON access_flows USING btree (lower(name));

create table access_request_resources (
  permissions text[] not null,
  request_id text not null,
  resource_id text not null,
  constraint access_request_resources_exist FOREIGN KEY (resource_id) REFERENCES resources(id),
  constraint access_request_resources_of_a_request FOREIGN KEY (request_id) REFERENCES access_requests(id) ON DELETE CASCADE,
  constraint access_request_resources_permit_something CHECK (permissions <> '{}'::text[]),
  constraint access_request_resources_pkey PRIMARY KEY (request_id, resource_id)
);
CREATE INDEX access_request_resources_by_resource ON access_request_resources USING btree (resource_id);

create table access_requests (
  action jsonb,
  approved_seconds integer,
  bundle_id text,
  created_at timestamp with time zone not null default now(),
  decided_at timestamp with time zone,
  delivery text not null,
  done_with text,
  emergency boolean not null default false,
  end_reason text,
  escalated boolean not null default false,
  expires_at timestamp with time zone not null,
  extends_grant_id text,
  fields jsonb not null default '{}'::jsonb,
  flow_id text not null,
  flow_version integer not null,
  hands text[] not null default '{}'::text[],
  id text not null,
  integration_id text not null,
  justification text not null default ''::text,
  kind text not null,
  plan jsonb,
  requester_id text not null,
  sealed_input text,
  seconds integer not null,
  stage integer not null default 0,
  stage_since timestamp with time zone not null default now(),
  state text not null,
  token_makers text[] not null default '{}'::text[],
  undecidable_since timestamp with time zone,
  constraint access_requests_extend_a_grant CHECK ((kind = 'extension'::text) = (extends_grant_id IS NOT NULL)),
  constraint access_requests_kind_known CHECK (kind = ANY (ARRAY['access'::text, 'extension'::text, 'action'::text])),
  constraint access_requests_last_a_while CHECK (seconds > 0),
  constraint access_requests_name_their_action CHECK ((kind = 'action'::text) = (action IS NOT NULL)),
  constraint access_requests_never_lengthened CHECK (approved_seconds > 0 AND approved_seconds <= seconds),
  constraint access_requests_of_a_user FOREIGN KEY (requester_id) REFERENCES users(id),
  constraint access_requests_of_an_integration FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint access_requests_pin_a_flow_version FOREIGN KEY (flow_id, flow_version) REFERENCES access_flow_versions(flow_id, version),
  constraint access_requests_pkey PRIMARY KEY (id),
  constraint access_requests_stage_counts CHECK (stage >= 0),
  constraint access_requests_state_known CHECK (state = ANY (ARRAY['pending'::text, 'approved'::text, 'rejected'::text, 'cancelled'::text, 'expired'::text]))
);
CREATE INDEX access_requests_by_extended_grant ON access_requests USING btree (extends_grant_id) WHERE (extends_grant_id IS NOT NULL);
CREATE INDEX access_requests_by_requester ON access_requests USING btree (requester_id, id);
CREATE INDEX access_requests_pending ON access_requests USING btree (flow_id, id) WHERE (state = 'pending'::text);
CREATE UNIQUE INDEX access_requests_one_extension_at_a_time ON access_requests USING btree (extends_grant_id) WHERE ((state = 'pending'::text) AND (extends_grant_id IS NOT NULL));
CREATE TRIGGER access_requests_have_a_kind BEFORE INSERT ON access_requests FOR EACH ROW EXECUTE FUNCTION requests_have_a_kind();
CREATE TRIGGER access_requests_have_hands BEFORE INSERT ON access_requests FOR EACH ROW EXECUTE FUNCTION requests_have_hands();

create table action_locks (
  integration_id text not null,
  resource text not null,
  run_id text not null,
  since timestamp with time zone not null default now(),
  constraint action_locks_of_a_run FOREIGN KEY (run_id) REFERENCES action_runs(id) ON DELETE CASCADE,
  constraint action_locks_of_an_integration FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint action_locks_one_run_per_resource PRIMARY KEY (integration_id, resource)
);
CREATE INDEX action_locks_by_run ON action_locks USING btree (run_id);

create table action_runs (
  action text not null,
  changed_at timestamp with time zone not null default now(),
  created_at timestamp with time zone not null default now(),
  epoch bigint not null default 0,
  error jsonb,
  id text not null,
  idempotency_key text,
  input jsonb not null,
  input_digest text,
  integration_id text not null,
  parent_run text,
  sealed_input text,
  settled_at timestamp with time zone,
  started_by jsonb,
  state text not null default 'pending'::text,
  target jsonb,
  constraint action_runs_keys_tell_inputs_apart CHECK ((idempotency_key IS NULL) = (input_digest IS NULL)),
  constraint action_runs_of_an_integration FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint action_runs_once_for_each_order UNIQUE (integration_id, action, idempotency_key),
  constraint action_runs_part_of FOREIGN KEY (parent_run) REFERENCES action_runs(id),
  constraint action_runs_pkey PRIMARY KEY (id),
  constraint action_runs_state_known CHECK (state = ANY (ARRAY['pending'::text, 'executing'::text, 'executed'::text, 'undoing'::text, 'undone'::text, 'failed'::text, 'stuck'::text]))
);
CREATE INDEX action_runs_by_parent ON action_runs USING btree (parent_run) WHERE (parent_run IS NOT NULL);
CREATE INDEX action_runs_unfinished ON action_runs USING btree (id) WHERE (state = ANY (ARRAY['pending'::text, 'executing'::text, 'undoing'::text, 'stuck'::text]));

create table action_steps (
  args jsonb not null,
  before jsonb,
  calls jsonb,
  changed_at timestamp with time zone not null default now(),
  confers_power boolean,
  kind text not null,
  position integer not null,
  record jsonb,
  run_id text not null,
  sealed text,
  state text not null default 'planned'::text,
  summary text not null,
  target text not null,
  constraint action_steps_of_a_run FOREIGN KEY (run_id) REFERENCES action_runs(id) ON DELETE CASCADE,
  constraint action_steps_pkey PRIMARY KEY (run_id, "position"),
  constraint action_steps_state_known CHECK (state = ANY (ARRAY['planned'::text, 'executing'::text, 'executed'::text, 'undoing'::text, 'undone'::text]))
);

create table api_tokens (
  created_at timestamp with time zone not null default now(),
  created_by text,
  delegated boolean not null default false,
  expires_at timestamp with time zone not null,
  hash text not null,
  id text not null,
  last_used_at timestamp with time zone,
  makers text[] not null default '{}'::text[],
  name text not null,
  parent_id text,
  revoked_at timestamp with time zone,
  scopes text[] not null,
  user_id text not null,
  constraint api_tokens_belong_to_a_user FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint api_tokens_expire_after_creation CHECK (expires_at > created_at),
  constraint api_tokens_hash_unique UNIQUE (hash),
  constraint api_tokens_made_with_a_token FOREIGN KEY (parent_id) REFERENCES api_tokens(id) ON DELETE CASCADE,
  constraint api_tokens_pkey PRIMARY KEY (id),
  constraint api_tokens_scopes_known CHECK (scopes <@ ARRAY['read'::text, 'request'::text, 'approve'::text, 'manage'::text, 'audit'::text] AND scopes <> '{}'::text[])
);
CREATE INDEX api_tokens_by_maker ON api_tokens USING gin (makers);
CREATE INDEX api_tokens_by_parent ON api_tokens USING btree (parent_id);
CREATE INDEX api_tokens_by_user ON api_tokens USING btree (user_id);

create table approvals (
  approver_id text not null,
  created_at timestamp with time zone not null default now(),
  decision text not null,
  done_with text,
  hands text[] not null default '{}'::text[],
  id text not null,
  reason text not null default ''::text,
  request_id text not null,
  seconds integer,
  stage integer not null default 0,
  void_at timestamp with time zone,
  constraint approvals_decision_known CHECK (decision = ANY (ARRAY['approve'::text, 'reject'::text])),
  constraint approvals_of_a_request FOREIGN KEY (request_id) REFERENCES access_requests(id) ON DELETE CASCADE,
  constraint approvals_of_a_user FOREIGN KEY (approver_id) REFERENCES users(id),
  constraint approvals_pkey PRIMARY KEY (id),
  constraint approvals_seconds_positive CHECK (seconds > 0)
);
CREATE UNIQUE INDEX approvals_once_per_person_and_stage ON approvals USING btree (request_id, stage, approver_id) WHERE (void_at IS NULL);
CREATE TRIGGER approvals_have_hands BEFORE INSERT ON approvals FOR EACH ROW EXECUTE FUNCTION approvals_have_hands();

create table audit_chain (
  event_id text not null,
  hash bytea not null,
  seq bigint not null,
  constraint audit_chain_links_events FOREIGN KEY (event_id) REFERENCES audit_events(id),
  constraint audit_chain_links_once UNIQUE (event_id),
  constraint audit_chain_pkey PRIMARY KEY (seq)
);
CREATE TRIGGER audit_chain_stays BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_chain FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

create table audit_events (
  actor text not null,
  address text,
  at timestamp with time zone not null default clock_timestamp(),
  body text not null,
  done_with text,
  id text not null,
  kind text not null,
  makers text[],
  subject text not null,
  constraint audit_events_pkey PRIMARY KEY (id)
);
CREATE INDEX audit_events_by_actor ON audit_events USING btree (actor, at);
CREATE INDEX audit_events_by_subject ON audit_events USING btree (subject, at);
CREATE INDEX audit_events_by_what_they_were_done_with ON audit_events USING btree (done_with, at) WHERE (done_with IS NOT NULL);
CREATE CONSTRAINT TRIGGER audit_events_are_chained AFTER INSERT ON audit_events DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_link();
CREATE TRIGGER audit_events_stay BEFORE DELETE OR UPDATE OR TRUNCATE ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

create table audit_head (
  hash bytea not null,
  seq bigint not null,
  constraint audit_head_pkey PRIMARY KEY (seq)
);

create table bundle_resources (
  bundle_id text not null,
  permissions text[] not null,
  resource_id text not null,
  constraint bundle_resources_exist FOREIGN KEY (resource_id) REFERENCES resources(id),
  constraint bundle_resources_of_a_bundle FOREIGN KEY (bundle_id) REFERENCES bundles(id) ON DELETE CASCADE,
  constraint bundle_resources_permit_something CHECK (permissions <> '{}'::text[]),
  constraint bundle_resources_pkey PRIMARY KEY (bundle_id, resource_id)
);

create table bundles (
  created_at timestamp with time zone not null default now(),
  created_by text,
  description text not null default ''::text,
  id text not null,
  integration_id text not null,
  name text not null,
  constraint bundles_name_present CHECK (name <> ''::text),
  constraint bundles_of_an_integration FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint bundles_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX bundles_name_taken ON bundles USING btree (lower(name));

create table certificate_sources (
  chain jsonb,
  created_at timestamp with time zone not null default now(),
  created_by text not null,
  failing_since timestamp with time zone,
  id text not null,
  integration_id text not null,
  name text not null,
  next_at timestamp with time zone,
  origin jsonb not null,
  problem jsonb,
  removed_at timestamp with time zone,
  run_id text,
  sealed_key text,
  told boolean not null default false,
  told_revoked text,
  variables jsonb not null default '{}'::jsonb,
  constraint certificate_sources_fail_since_then CHECK ((problem IS NULL) = (failing_since IS NULL)),
  constraint certificate_sources_have_a_key_while_issuing CHECK ((run_id IS NULL) = (sealed_key IS NULL)),
  constraint certificate_sources_issue_by_a_run FOREIGN KEY (run_id) REFERENCES action_runs(id),
  constraint certificate_sources_of_a_user FOREIGN KEY (created_by) REFERENCES users(id),
  constraint certificate_sources_of_an_integration FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint certificate_sources_pkey PRIMARY KEY (id),
  constraint certificate_sources_rest_when_removed CHECK (removed_at IS NULL OR sealed_key IS NULL AND next_at IS NULL)
);
CREATE INDEX certificate_sources_by_next ON certificate_sources USING btree (next_at) WHERE (next_at IS NOT NULL);
CREATE UNIQUE INDEX certificate_sources_name_taken ON certificate_sources USING btree (lower(name)) WHERE (removed_at IS NULL);

create table certificates (
  certificate_pem text not null,
  chain jsonb not null,
  chain_pem text not null,
  common_name text,
  created_at timestamp with time zone not null default now(),
  created_by text not null,
  domains jsonb not null,
  fingerprint text not null,
  id text not null,
  issuer text not null,
  key_type text not null,
  name text not null,
  not_after timestamp with time zone not null,
  not_before timestamp with time zone not null,
  reminded_days integer,
  removed_at timestamp with time zone,
  replaced_by text,
  run_id text,
  sealed text,
  serial text not null,
  source_id text,
  subject text not null,
  variables jsonb not null default '{}'::jsonb,
  constraint certificates_issued_by_a_run FOREIGN KEY (run_id) REFERENCES action_runs(id),
  constraint certificates_keep_no_key_when_removed CHECK (removed_at IS NULL OR sealed IS NULL),
  constraint certificates_last_a_while CHECK (not_before < not_after),
  constraint certificates_of_a_source FOREIGN KEY (source_id) REFERENCES certificate_sources(id),
  constraint certificates_of_a_user FOREIGN KEY (created_by) REFERENCES users(id),
  constraint certificates_pkey PRIMARY KEY (id),
  constraint certificates_replaced_by_another FOREIGN KEY (replaced_by) REFERENCES certificates(id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX certificates_by_end ON certificates USING btree (not_after, id) WHERE (removed_at IS NULL);
CREATE UNIQUE INDEX certificates_kept_once ON certificates USING btree (fingerprint) WHERE ((removed_at IS NULL) AND (replaced_by IS NULL));
CREATE UNIQUE INDEX certificates_one_current_of_a_source ON certificates USING btree (source_id) WHERE ((replaced_by IS NULL) AND (removed_at IS NULL));

create table discovery_runs (
  added integer not null default 0,
  changed integer not null default 0,
  checkpoint_at timestamp with time zone not null default now(),
  detail_cursor text,
  ended_at timestamp with time zone,
  error jsonb,
  folders integer not null default 0,
  found integer not null default 0,
  frontier jsonb not null default '[""]'::jsonb,
  gone integer not null default 0,
  id text not null,
  integration_id text not null,
  notices jsonb not null default '[]'::jsonb,
  phase text not null default 'names'::text,
  returned integer not null default 0,
  started_at timestamp with time zone not null default now(),
  started_by text,
  state text not null,
  unreadable jsonb not null default '[]'::jsonb,
  vanished jsonb not null default '[]'::jsonb,
  constraint discovery_runs_of_an_integration FOREIGN KEY (integration_id) REFERENCES integrations(id) ON DELETE CASCADE,
  constraint discovery_runs_phase_known CHECK (phase = ANY (ARRAY['names'::text, 'details'::text])),
  constraint discovery_runs_pkey PRIMARY KEY (id),
  constraint discovery_runs_state_known CHECK (state = ANY (ARRAY['running'::text, 'completed'::text, 'incomplete'::text, 'failed'::text]))
);
CREATE INDEX discovery_runs_latest ON discovery_runs USING btree (integration_id, started_at DESC);
CREATE UNIQUE INDEX discovery_one_at_a_time ON discovery_runs USING btree (integration_id) WHERE (state = 'running'::text);

create table distribution_parts (
  asked_back boolean not null default false,
  distribution_id text not null,
  position integer not null,
  problem jsonb,
  resumed_at timestamp with time zone,
  run_id text,
  target_id text not null,
  target_version integer,
  wish jsonb,
  constraint distribution_parts_of_a_distribution FOREIGN KEY (distribution_id) REFERENCES distributions(id) ON DELETE CASCADE,
  constraint distribution_parts_of_a_run FOREIGN KEY (run_id) REFERENCES action_runs(id),
  constraint distribution_parts_of_a_target FOREIGN KEY (target_id) REFERENCES distribution_targets(id),
  constraint distribution_parts_pkey PRIMARY KEY (distribution_id, target_id)
);
CREATE INDEX distribution_parts_by_target ON distribution_parts USING btree (target_id);
CREATE UNIQUE INDEX distribution_parts_by_run ON distribution_parts USING btree (run_id) WHERE (run_id IS NOT NULL);

create table distribution_targets (
  changed_at timestamp with time zone not null default now(),
  created_at timestamp with time zone not null default now(),
  created_by text not null,
  credential_id text not null,
  id text not null,
  integration_id text not null,
  location jsonb not null,
  name text not null,
  plugin text not null,
  removed_at timestamp with time zone,
  version integer not null default 1,
  constraint distribution_targets_of_a_credential FOREIGN KEY (credential_id) REFERENCES target_credentials(id),
  constraint distribution_targets_of_a_user FOREIGN KEY (created_by) REFERENCES users(id),
  constraint distribution_targets_one_connection_each UNIQUE (integration_id),
  constraint distribution_targets_own_a_connection FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint distribution_targets_pkey PRIMARY KEY (id)
);
CREATE INDEX distribution_targets_by_credential ON distribution_targets USING btree (credential_id);
CREATE UNIQUE INDEX distribution_targets_name_taken ON distribution_targets USING btree (lower(name)) WHERE (removed_at IS NULL);

create table distributions (
  attempts integer not null default 1,
  batch_size integer not null,
  certificate_id text not null,
  created_at timestamp with time zone not null default now(),
  finished_at timestamp with time zone,
  id text not null,
  ordered_by text not null,
  reason text not null,
  sent_by text not null,
  source_id text,
  told_attempts integer not null default 0,
  undo_if_unverified boolean not null,
  constraint distributions_batches_small CHECK (batch_size >= 1 AND batch_size <= 25),
  constraint distributions_of_a_certificate FOREIGN KEY (certificate_id) REFERENCES certificates(id),
  constraint distributions_of_a_user FOREIGN KEY (ordered_by) REFERENCES users(id),
  constraint distributions_ordered_by_a_source FOREIGN KEY (source_id) REFERENCES certificate_sources(id),
  constraint distributions_pkey PRIMARY KEY (id),
  constraint distributions_sent_by_a_user FOREIGN KEY (sent_by) REFERENCES users(id)
);
CREATE INDEX distributions_open ON distributions USING btree (id) WHERE (finished_at IS NULL);

create table due_work (
  attempts integer not null default 0,
  due_since timestamp with time zone,
  id bigint not null generated always as identity,
  kind text not null,
  lane text not null,
  last_error text,
  locked_by text,
  locked_until timestamp with time zone,
  run_at timestamp with time zone not null,
  shard text not null default ''::text,
  subject text not null,
  version integer not null default 0,
  constraint due_work_once_per_subject UNIQUE (kind, subject),
  constraint due_work_pkey PRIMARY KEY (id)
);
CREATE INDEX due_work_next ON due_work USING btree (lane, run_at);
CREATE INDEX due_work_oldest ON due_work USING btree (lane, COALESCE(due_since, run_at));

create table emergency_reviews (
  closed_at timestamp with time zone,
  closed_by text,
  closed_hands text[],
  closed_with text,
  hands text[] not null default '{}'::text[],
  id text not null,
  note text,
  opened_at timestamp with time zone not null default now(),
  request_id text not null,
  requester_id text not null,
  constraint emergency_reviews_closed_by_a_person CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
  constraint emergency_reviews_closed_by_somebody_else CHECK (closed_by IS NULL OR closed_by <> requester_id AND NOT closed_hands && hands),
  constraint emergency_reviews_of_a_request FOREIGN KEY (request_id) REFERENCES access_requests(id),
  constraint emergency_reviews_once_per_request UNIQUE (request_id),
  constraint emergency_reviews_pkey PRIMARY KEY (id)
);
CREATE TRIGGER emergency_reviews_have_hands BEFORE INSERT OR UPDATE ON emergency_reviews FOR EACH ROW EXECUTE FUNCTION reviews_have_hands();

create table ended_sessions (
  ended_at timestamp with time zone not null default now(),
  id text not null,
  issuer text not null,
  sealed text not null,
  constraint ended_sessions_pkey PRIMARY KEY (id)
);

create table enrolment_codes (
  created_at timestamp with time zone not null default now(),
  created_by text not null,
  expires_at timestamp with time zone not null,
  hash text not null,
  id text not null,
  makers text[] not null,
  redeemed_at timestamp with time zone,
  scopes text[] not null default '{read,request,approve,manage,audit}'::text[],
  token_id text,
  user_id text not null,
  withdrawn_at timestamp with time zone,
  constraint enrolment_codes_are_short_lived CHECK (expires_at <= (created_at + '7 days'::interval)),
  constraint enrolment_codes_end_once CHECK (redeemed_at IS NULL OR withdrawn_at IS NULL),
  constraint enrolment_codes_for_a_user FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint enrolment_codes_hash_unique UNIQUE (hash),
  constraint enrolment_codes_made_with_a_token FOREIGN KEY (token_id) REFERENCES api_tokens(id) ON DELETE CASCADE,
  constraint enrolment_codes_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX enrolment_codes_one_at_a_time ON enrolment_codes USING btree (user_id) WHERE ((redeemed_at IS NULL) AND (withdrawn_at IS NULL));

create table foreign_pieces (
  artefact text not null,
  found_at timestamp with time zone not null default clock_timestamp(),
  integration_id text not null,
  constraint foreign_pieces_lie_in_an_integration FOREIGN KEY (integration_id) REFERENCES integrations(id) ON DELETE CASCADE,
  constraint foreign_pieces_pkey PRIMARY KEY (integration_id, artefact)
);

create table grants (
  begins_at timestamp with time zone,
  came_back_at timestamp with time zone,
  created_at timestamp with time zone not null default now(),
  cut_at timestamp with time zone,
  delivery text not null,
  end_note text,
  end_reason text,
  ended_at timestamp with time zone,
  ended_by text,
  ended_hands text[],
  ended_with text,
  error jsonb,
  expires_at timestamp with time zone,
  extensions integer not null default 0,
  failure jsonb,
  grantee_id text not null,
  guarantee text,
  id text not null,
  integration_id text not null,
  receipt jsonb,
  request_id text not null,
  revoking_at timestamp with time zone,
  run_id text not null,
  seconds integer not null,
  state text not null,
  suspected_at timestamp with time zone,
  target_until timestamp with time zone,
  constraint grants_active_have_an_end CHECK (state <> 'active'::text OR expires_at IS NOT NULL),
  constraint grants_are_runs FOREIGN KEY (run_id) REFERENCES action_runs(id),
  constraint grants_come_from_a_request FOREIGN KEY (request_id) REFERENCES access_requests(id),
  constraint grants_end_reason_known CHECK (end_reason = ANY (ARRAY['expired'::text, 'given_back'::text, 'revoked'::text, 'reported'::text, 'failed'::text, 'grantee_disabled'::text, 'token_maker_disabled'::text])),
  constraint grants_expire_after_they_begin CHECK (expires_at > begins_at),
  constraint grants_final_have_ended CHECK ((state = ANY (ARRAY['expired'::text, 'revoked'::text, 'failed'::text, 'written_off'::text])) = (ended_at IS NOT NULL)),
  constraint grants_guarantee_known CHECK (guarantee = ANY (ARRAY['server'::text, 'broker'::text])),
  constraint grants_last_a_while CHECK (seconds > 0),
  constraint grants_of_a_user FOREIGN KEY (grantee_id) REFERENCES users(id),
  constraint grants_of_an_integration FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint grants_one_per_request UNIQUE (request_id),
  constraint grants_one_per_run UNIQUE (run_id),
  constraint grants_pkey PRIMARY KEY (id),
  constraint grants_state_known CHECK (state = ANY (ARRAY['scheduled'::text, 'provisioning'::text, 'active'::text, 'revoking'::text, 'stuck'::text, 'expired'::text, 'revoked'::text, 'failed'::text, 'written_off'::text])),
  constraint grants_written_off_come_back CHECK (came_back_at IS NULL OR state = 'written_off'::text)
);
CREATE INDEX grants_by_grantee ON grants USING btree (grantee_id, id);
CREATE INDEX grants_ended ON grants USING btree (integration_id, ended_at) WHERE (ended_at IS NOT NULL);
CREATE INDEX grants_live ON grants USING btree (expires_at) WHERE (state = ANY (ARRAY['scheduled'::text, 'provisioning'::text, 'active'::text, 'revoking'::text, 'stuck'::text]));
CREATE INDEX grants_written_off ON grants USING btree (integration_id) WHERE ((state = 'written_off'::text) AND (came_back_at IS NULL));

create table group_members (
  confirmed_at timestamp with time zone,
  group_id text not null,
  user_id text not null,
  constraint group_members_are_users FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint group_members_of_a_group FOREIGN KEY (group_id) REFERENCES groups(id) ON DELETE CASCADE,
  constraint group_members_pkey PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_members_by_user ON group_members USING btree (user_id);

create table groups (
  changed_at timestamp with time zone not null default now(),
  created_at timestamp with time zone not null default now(),
  external_id text,
  id text not null,
  issuer text,
  name text not null,
  source text not null default 'local'::text,
  constraint groups_name_present CHECK (name <> ''::text),
  constraint groups_pkey PRIMARY KEY (id),
  constraint groups_source_known CHECK (source = ANY (ARRAY['local'::text, 'sign_in'::text, 'scim'::text]))
);
CREATE UNIQUE INDEX groups_external_id_taken ON groups USING btree (source, COALESCE(issuer, ''::text), external_id);
CREATE UNIQUE INDEX groups_name_taken ON groups USING btree (source, COALESCE(issuer, ''::text), lower(name));

create table http_sessions (
  begun_at timestamp with time zone not null default now(),
  expire timestamp with time zone not null,
  id text,
  idp_sid text,
  issuer text,
  refresh_due_at timestamp with time zone,
  refreshing_until timestamp with time zone,
  sealed text,
  sess json not null,
  sid text not null,
  subject text,
  tokens_version integer not null default 0,
  user_id text,
  constraint http_sessions_id_unique UNIQUE (id),
  constraint http_sessions_of_a_user FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint http_sessions_pkey PRIMARY KEY (sid)
);
CREATE INDEX http_sessions_by_idp_sid ON http_sessions USING btree (issuer, idp_sid);
CREATE INDEX http_sessions_by_user ON http_sessions USING btree (user_id);
CREATE INDEX http_sessions_expired ON http_sessions USING btree (expire);
CREATE TRIGGER http_sessions_ended AFTER DELETE ON http_sessions FOR EACH ROW WHEN (old.id IS NOT NULL AND old.sealed IS NOT NULL) EXECUTE FUNCTION keep_ended_session();

create table identities (
  arrived jsonb,
  claims jsonb not null default '{}'::jsonb,
  confirmed_at timestamp with time zone not null default now(),
  created_at timestamp with time zone not null default now(),
  external_id text,
  external_id_claim text,
  groups_refused jsonb not null default '[]'::jsonb,
  groups_said_at timestamp with time zone,
  groups_source text,
  groups_untold text,
  groups_untold_at timestamp with time zone,
  issuer text not null,
  refused_at timestamp with time zone,
  signed_in_at timestamp with time zone,
  subject text not null,
  user_id text not null,
  user_name text,
  constraint identities_belong_to_a_user FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint identities_external_id_has_its_claim CHECK ((external_id IS NULL) = (external_id_claim IS NULL)),
  constraint identities_pkey PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_by_external_id ON identities USING btree (issuer, external_id_claim, external_id);
CREATE INDEX identities_by_user ON identities USING btree (user_id);
CREATE INDEX identities_by_user_name ON identities USING btree (issuer, lower(user_name));
CREATE TRIGGER identities_are_remembered AFTER INSERT OR UPDATE ON identities FOR EACH ROW EXECUTE FUNCTION remember_identity();

create table installation (
  created_at timestamp with time zone not null default now(),
  instance text not null,
  only_row boolean not null default true,
  constraint installation_instance_ten_digits CHECK (instance ~ '^[1-9][0-9]{9}$'::text),
  constraint installation_is_one CHECK (only_row),
  constraint installation_pkey PRIMARY KEY (only_row)
);

create table integration_secrets (
  changed_at timestamp with time zone not null default now(),
  destination text not null default ''::text,
  integration_id text not null,
  name text not null,
  sealed text not null,
  constraint integration_secrets_of_an_integration FOREIGN KEY (integration_id) REFERENCES integrations(id) ON DELETE CASCADE,
  constraint integration_secrets_pkey PRIMARY KEY (integration_id, name, destination)
);

create table integrations (
  access_details text,
  changed_at timestamp with time zone not null default now(),
  config jsonb not null,
  created_at timestamp with time zone not null default now(),
  created_by text,
  guarantees jsonb,
  health jsonb,
  health_at timestamp with time zone,
  id text not null,
  name text not null,
  owners jsonb,
  plugin text not null,
  resource_owner jsonb,
  sealed text,
  serves text not null default 'access'::text,
  session_lost_seen timestamp with time zone,
  session_lost_since timestamp with time zone,
  session_lost_told boolean not null default false,
  sign text,
  sign_left_at timestamp with time zone,
  sign_looked_at timestamp with time zone,
  state text not null default 'active'::text,
  version integer not null default 1,
  constraint integrations_access_details_short CHECK (length(access_details) <= 400),
  constraint integrations_name_readable CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9 _-]{0,62}$'::text),
  constraint integrations_pkey PRIMARY KEY (id),
  constraint integrations_resource_owner_has_a_fallback CHECK (resource_owner IS NULL OR owners IS NOT NULL),
  constraint integrations_serve_something CHECK (serves = ANY (ARRAY['access'::text, 'distribution'::text])),
  constraint integrations_session_lost CHECK ((session_lost_since IS NULL) = (session_lost_seen IS NULL) AND (session_lost_since IS NOT NULL OR NOT session_lost_told)),
  constraint integrations_sign_has_its_time CHECK ((sign IS NULL) = (sign_left_at IS NULL)),
  constraint integrations_state_known CHECK (state = ANY (ARRAY['active'::text, 'paused'::text, 'removed'::text]))
);
CREATE UNIQUE INDEX integrations_name_taken ON integrations USING btree (lower(name), serves) WHERE (state <> 'removed'::text);

create table logout_tokens (
  expires_at timestamp with time zone not null,
  issuer text not null,
  jti text not null,
  constraint logout_tokens_pkey PRIMARY KEY (issuer, jti)
);

create table notification_cursor (
  only_row boolean not null default true,
  seq bigint not null,
  constraint notification_cursor_is_one CHECK (only_row),
  constraint notification_cursor_pkey PRIMARY KEY (only_row)
);

create table notification_deliveries (
  attempts integer not null default 0,
  channel text not null,
  created_at timestamp with time zone not null default now(),
  event_id text not null,
  id text not null,
  kind text not null,
  last_error text,
  settled_at timestamp with time zone,
  state text not null default 'waiting'::text,
  target text not null,
  waiting_since timestamp with time zone not null default now(),
  constraint notification_deliveries_channel_known CHECK (channel = ANY (ARRAY['email'::text, 'webhook'::text])),
  constraint notification_deliveries_once UNIQUE (event_id, kind, channel, target),
  constraint notification_deliveries_pkey PRIMARY KEY (id),
  constraint notification_deliveries_state_known CHECK (state = ANY (ARRAY['waiting'::text, 'sent'::text, 'dead'::text]))
);
CREATE INDEX notification_deliveries_unsettled ON notification_deliveries USING btree (state, channel) WHERE (state <> 'sent'::text);

create table openings (
  collect_by timestamp with time zone,
  collected_at timestamp with time zone,
  delivery text not null,
  done_with text,
  ends_at timestamp with time zone,
  extensions integer not null default 0,
  grant_id text not null,
  hands text[] not null default '{}'::text[],
  held_by text,
  id text not null,
  opened_at timestamp with time zone not null default now(),
  opened_by text not null,
  state text not null,
  trace jsonb,
  constraint openings_of_a_grant FOREIGN KEY (grant_id) REFERENCES grants(id) ON DELETE CASCADE,
  constraint openings_pkey PRIMARY KEY (id),
  constraint openings_state_known CHECK (state = ANY (ARRAY['opening'::text, 'delivered'::text, 'collected'::text, 'superseded'::text, 'failed'::text, 'ended'::text]))
);
CREATE INDEX openings_by_grant ON openings USING btree (grant_id, id);
CREATE UNIQUE INDEX openings_one_at_a_time ON openings USING btree (grant_id) WHERE (state = ANY (ARRAY['opening'::text, 'delivered'::text, 'collected'::text]));
CREATE TRIGGER openings_have_hands BEFORE INSERT ON openings FOR EACH ROW EXECUTE FUNCTION openings_have_hands();

create table order_keys (
  created_at timestamp with time zone not null default clock_timestamp(),
  digest text not null,
  key text not null,
  kind text not null,
  made text not null,
  scope text not null,
  constraint order_keys_once PRIMARY KEY (kind, scope, key)
);
CREATE INDEX order_keys_by_what_was_made ON order_keys USING btree (made);

create table ordered_runs (
  action text not null,
  approved jsonb,
  cancel jsonb,
  concerns jsonb not null default '[]'::jsonb,
  created_at timestamp with time zone not null default now(),
  done jsonb,
  failure jsonb,
  first_tried_at timestamp with time zone,
  id text not null,
  integration_id text not null,
  on_behalf_of text,
  ordered_by text,
  problem jsonb,
  reason text not null,
  request_id text,
  risk jsonb not null,
  undo jsonb,
  undo_if_unverified boolean not null default true,
  undone jsonb,
  writes text[] not null default '{}'::text[],
  constraint ordered_runs_are_runs FOREIGN KEY (id) REFERENCES action_runs(id),
  constraint ordered_runs_of_a_request FOREIGN KEY (request_id) REFERENCES access_requests(id),
  constraint ordered_runs_of_a_user FOREIGN KEY (ordered_by) REFERENCES users(id),
  constraint ordered_runs_of_an_integration FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint ordered_runs_on_behalf_of_a_user FOREIGN KEY (on_behalf_of) REFERENCES users(id),
  constraint ordered_runs_pkey PRIMARY KEY (id)
);
CREATE INDEX ordered_runs_by_integration ON ordered_runs USING btree (integration_id, id);

create table person_marks (
  mark text not null,
  user_id text not null,
  constraint person_marks_of_a_user FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE,
  constraint person_marks_pkey PRIMARY KEY (user_id, mark)
);
CREATE INDEX person_marks_by_mark ON person_marks USING btree (mark);

create table proposals (
  base jsonb,
  body text,
  created_at timestamp with time zone not null default now(),
  decided_at timestamp with time zone,
  decided_by text,
  decided_hands text[],
  decided_with text,
  done_with text,
  expires_at timestamp with time zone not null,
  hands text[] not null default '{}'::text[],
  id text not null,
  kind text not null,
  performed_at timestamp with time zone,
  problem jsonb,
  proposer_id text not null,
  state text not null default 'open'::text,
  subject text,
  summary jsonb not null,
  token_makers text[] not null default '{}'::text[],
  constraint proposals_accepted_by_somebody_else CHECK ((state <> ALL (ARRAY['accepted'::text, 'performed'::text, 'failed'::text])) OR decided_by <> proposer_id AND NOT decided_hands && hands),
  constraint proposals_keep_nothing_when_over CHECK ((state = ANY (ARRAY['open'::text, 'accepted'::text])) OR body IS NULL),
  constraint proposals_kind_known CHECK (kind = ANY (ARRAY['flow.create'::text, 'flow.change'::text, 'integration.create'::text, 'integration.change'::text, 'integration.own'::text, 'integration.remove'::text, 'integration.write_off'::text, 'scim_token.create'::text, 'scim_token.rotate'::text, 'run.order'::text, 'run.roll_back'::text, 'target_credential.create'::text, 'target_credential.change'::text, 'target.create'::text, 'target.change'::text, 'distribution.order'::text, 'distribution.roll_back'::text, 'rotation.create'::text, 'rotation.change'::text, 'rotation.remove'::text, 'certificate_source.create'::text])),
  constraint proposals_of_a_user FOREIGN KEY (proposer_id) REFERENCES users(id),
  constraint proposals_pkey PRIMARY KEY (id),
  constraint proposals_state_known CHECK (state = ANY (ARRAY['open'::text, 'accepted'::text, 'performed'::text, 'failed'::text, 'declined'::text, 'withdrawn'::text, 'lapsed'::text]))
);
CREATE TRIGGER proposals_have_hands BEFORE INSERT OR UPDATE ON proposals FOR EACH ROW EXECUTE FUNCTION proposals_have_hands();

create table resources (
  attributes jsonb not null default '{}'::jsonb,
  changed_at timestamp with time zone not null default now(),
  first_seen_at timestamp with time zone not null default now(),
  folder text not null,
  gone_at timestamp with time zone,
  id text not null,
  integration_id text not null,
  name text not null,
  tags jsonb not null default '{}'::jsonb,
  type text not null,
  ungrantable text,
  constraint resources_named_once UNIQUE (integration_id, type, name),
  constraint resources_of_an_integration FOREIGN KEY (integration_id) REFERENCES integrations(id) ON DELETE CASCADE,
  constraint resources_pkey PRIMARY KEY (id)
);
CREATE INDEX resources_by_name ON resources USING btree (name, id) WHERE (gone_at IS NULL);
CREATE INDEX resources_by_tag ON resources USING gin (tags jsonb_path_ops) WHERE (gone_at IS NULL);
CREATE INDEX resources_in_folder ON resources USING btree (integration_id, folder) WHERE (gone_at IS NULL);

create table role_groups (
  created_at timestamp with time zone not null default now(),
  created_by text,
  group_id text not null,
  role text not null,
  constraint role_groups_of_a_group FOREIGN KEY (group_id) REFERENCES groups(id) ON DELETE CASCADE,
  constraint role_groups_pkey PRIMARY KEY (role, group_id),
  constraint role_groups_role_known CHECK (role = ANY (ARRAY['admin'::text, 'owner'::text, 'approver'::text, 'auditor'::text, 'member'::text]))
);

create table rotation_turns (
  asked_by text,
  created_at timestamp with time zone not null default clock_timestamp(),
  done_by text,
  due_at timestamp with time zone not null,
  id text not null,
  missed integer not null default 0,
  note text,
  problem jsonb,
  rotation_id text not null,
  run_id text,
  settled_at timestamp with time zone,
  state text not null,
  tested_since timestamp with time zone,
  constraint rotation_turns_are_runs FOREIGN KEY (run_id) REFERENCES action_runs(id),
  constraint rotation_turns_asked_by_a_user FOREIGN KEY (asked_by) REFERENCES users(id),
  constraint rotation_turns_done_by_a_user FOREIGN KEY (done_by) REFERENCES users(id),
  constraint rotation_turns_of_a_rotation FOREIGN KEY (rotation_id) REFERENCES rotations(id),
  constraint rotation_turns_once_for_each_moment UNIQUE (rotation_id, due_at),
  constraint rotation_turns_pkey PRIMARY KEY (id),
  constraint rotation_turns_settled_at_their_end CHECK ((settled_at IS NOT NULL) = (state = ANY (ARRAY['done'::text, 'finished'::text, 'undone'::text, 'failed'::text, 'refused'::text]))),
  constraint rotation_turns_state_known CHECK (state = ANY (ARRAY['waiting'::text, 'done'::text, 'running'::text, 'testing'::text, 'finished'::text, 'undoing'::text, 'undone'::text, 'failed'::text, 'refused'::text]))
);
CREATE UNIQUE INDEX rotation_turns_one_at_a_time ON rotation_turns USING btree (rotation_id) WHERE (settled_at IS NULL);

create table rotations (
  active boolean not null,
  asked jsonb,
  changed_at timestamp with time zone not null default now(),
  created_at timestamp with time zone not null default now(),
  created_by text,
  does jsonb not null,
  id text not null,
  integration_id text,
  jitter_seconds integer not null default 0,
  name text not null,
  next_at timestamp with time zone,
  removed_at timestamp with time zone,
  schedule jsonb not null,
  sealed_input text,
  starts_at timestamp with time zone,
  version integer not null default 1,
  windows jsonb not null default '[]'::jsonb,
  constraint rotations_come_next_while_active CHECK ((next_at IS NOT NULL) = (active AND removed_at IS NULL)),
  constraint rotations_of_a_user FOREIGN KEY (created_by) REFERENCES users(id),
  constraint rotations_of_an_integration FOREIGN KEY (integration_id) REFERENCES integrations(id),
  constraint rotations_pkey PRIMARY KEY (id),
  constraint rotations_run_through_an_integration CHECK ((integration_id IS NOT NULL) = ((does ->> 'kind'::text) = 'run'::text)),
  constraint rotations_start_when_they_come CHECK ((starts_at IS NULL) = (next_at IS NULL))
);
CREATE INDEX rotations_by_next ON rotations USING btree (starts_at) WHERE (starts_at IS NOT NULL);
CREATE UNIQUE INDEX rotations_name_taken ON rotations USING btree (name) WHERE (removed_at IS NULL);

create table scim_tokens (
  created_at timestamp with time zone not null default now(),
  created_by text,
  expires_at timestamp with time zone not null,
  hash text not null,
  id text not null,
  last_used_at timestamp with time zone,
  makers text[] not null default '{}'::text[],
  name text not null,
  parent_id text,
  revoked_at timestamp with time zone,
  rotated_from text,
  told_to text[] not null default '{}'::text[],
  constraint scim_tokens_hash_unique UNIQUE (hash),
  constraint scim_tokens_made_with_a_token FOREIGN KEY (parent_id) REFERENCES api_tokens(id) ON DELETE CASCADE,
  constraint scim_tokens_pkey PRIMARY KEY (id),
  constraint scim_tokens_rotated_from_another FOREIGN KEY (rotated_from) REFERENCES scim_tokens(id) ON DELETE SET NULL
);
CREATE INDEX scim_tokens_by_parent ON scim_tokens USING btree (parent_id);

create table target_credentials (
  changed_at timestamp with time zone not null default now(),
  created_at timestamp with time zone not null default now(),
  created_by text not null,
  destinations jsonb not null,
  id text not null,
  login jsonb not null,
  name text not null,
  plugin text not null,
  removed_at timestamp with time zone,
  sealed text,
  version integer not null default 1,
  constraint target_credentials_of_a_user FOREIGN KEY (created_by) REFERENCES users(id),
  constraint target_credentials_pkey PRIMARY KEY (id),
  constraint target_credentials_removed_without_secrets CHECK (removed_at IS NULL OR sealed IS NULL)
);
CREATE UNIQUE INDEX target_credentials_name_taken ON target_credentials USING btree (lower(name)) WHERE (removed_at IS NULL);

create table users (
  attributes jsonb not null default '{}'::jsonb,
  changed_at timestamp with time zone not null default now(),
  created_at timestamp with time zone not null default now(),
  email text,
  external_id text,
  facts jsonb not null default '{}'::jsonb,
  id text not null,
  left_at timestamp with time zone,
  manager_id text,
  name text not null,
  roles text[] not null default '{}'::text[],
  scim jsonb,
  scim_id text,
  sign_in_name text,
  source text not null default 'local'::text,
  state text not null default 'active'::text,
  user_name text,
  constraint users_manager_is_a_user FOREIGN KEY (manager_id) REFERENCES users(id) ON DELETE SET NULL,
  constraint users_name_present CHECK (name <> ''::text),
  constraint users_pkey PRIMARY KEY (id),
  constraint users_roles_known CHECK (roles <@ ARRAY['admin'::text, 'owner'::text, 'approver'::text, 'auditor'::text, 'member'::text]),
  constraint users_scim_id_is_of_scim CHECK (scim_id IS NULL OR source = 'scim'::text),
  constraint users_scim_is_of_scim CHECK (scim IS NULL OR source = 'scim'::text),
  constraint users_source_known CHECK (source = ANY (ARRAY['local'::text, 'sign_in'::text, 'scim'::text])),
  constraint users_state_known CHECK (state = ANY (ARRAY['active'::text, 'disabled'::text]))
);
CREATE INDEX users_by_scim_external_id ON users USING btree (((scim ->> 'externalId'::text))) WHERE (source = 'scim'::text);
CREATE UNIQUE INDEX users_external_id_taken ON users USING btree (external_id);
CREATE UNIQUE INDEX users_name_taken ON users USING btree (lower(name)) WHERE (source = 'local'::text);
CREATE UNIQUE INDEX users_scim_id_taken ON users USING btree (COALESCE(scim_id, id)) WHERE (user_name IS NOT NULL);
CREATE UNIQUE INDEX users_user_name_taken ON users USING btree (lower(user_name));
CREATE TRIGGER external_ids_are_remembered AFTER INSERT OR UPDATE OF external_id ON users FOR EACH ROW WHEN (new.external_id IS NOT NULL) EXECUTE FUNCTION remember_external_id();
CREATE TRIGGER users_remember_leaving BEFORE UPDATE OF state ON users FOR EACH ROW WHEN (new.state = 'disabled'::text AND old.state <> 'disabled'::text) EXECUTE FUNCTION remember_leaving();

create table webhooks (
  active boolean not null default true,
  before_until timestamp with time zone,
  changed_at timestamp with time zone not null default now(),
  created_at timestamp with time zone not null default now(),
  created_by text,
  events text[] not null,
  id text not null,
  made_with text,
  makers text[] not null default '{}'::text[],
  name text not null,
  paused_because text,
  sealed text not null,
  sealed_before text,
  url text not null,
  constraint webhooks_former_secret_ends CHECK ((sealed_before IS NULL) = (before_until IS NULL)),
  constraint webhooks_name_present CHECK (name <> ''::text),
  constraint webhooks_paused_is_off CHECK (paused_because IS NULL OR NOT active),
  constraint webhooks_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX webhooks_name_taken ON webhooks USING btree (lower(name));

CREATE OR REPLACE FUNCTION approvals_have_hands()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if new.hands = '{}' then new.hands := hands_of(array[new.approver_id]); end if;
  if exists (select from access_requests q where q.id = new.request_id and q.hands && new.hands) then
    raise exception 'an approval is by the hand that made the request'
      using errcode = 'check_violation', constraint = 'approvals_by_another_hand_than_the_request', table = 'approvals';
  end if;
  if new.decision = 'approve' and exists (
    select from approvals a where a.request_id = new.request_id and a.stage = new.stage and a.decision = 'approve' and a.void_at is null and a.hands && new.hands) then
    raise exception 'two approvals of a stage are by one hand'
      using errcode = 'check_violation', constraint = 'approvals_by_hands_of_their_own', table = 'approvals';
  end if;
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION audit_is_append_only()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'the audit trail is append-only' using errcode = 'restrict_violation';
end
$function$;

CREATE OR REPLACE FUNCTION audit_link()
 RETURNS trigger
 LANGUAGE plpgsql
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
AS $function$
declare
  head audit_head;
  last bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('latchkey:audit', 0));
  select * into head from audit_head order by seq desc limit 1;
  last := head.seq;
  head.seq := head.seq + 1;
  head.hash := sha256(head.hash || convert_to(audit_linked(head.seq, new), 'UTF8'));
  insert into audit_chain (seq, event_id, hash) values (head.seq, new.id, head.hash);
  insert into audit_head (seq, hash) values (head.seq, head.hash);
  delete from audit_head where seq = last;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION audit_linked(seq bigint, event audit_events)
 RETURNS text
 LANGUAGE sql
 STABLE
AS $function$
  select case when num_nonnulls(event.done_with, event.makers, event.address) = 0 then plain
    else concat_ws(E'\x1f', 'v2', plain, coalesce(event.done_with, ''), coalesce(array_to_string(event.makers, ','), ''),
      coalesce(event.address, '')) end
  from (select concat_ws(E'\x1f', seq, event.id,
    (extract(epoch from event.at) * 1000000)::bigint, event.kind, event.actor, event.subject, event.body)) as linked (plain)
$function$;

CREATE OR REPLACE FUNCTION external_id_mark(external_id text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select 'external_id ' || to_jsonb(external_id)::text
$function$;

CREATE OR REPLACE FUNCTION hands_of(people text[])
 RETURNS text[]
 LANGUAGE sql
 STABLE
AS $function$
  select coalesce(array_agg(distinct hand order by hand), '{}') from (
    select unnest(people)
    union all select mark from person_marks where user_id = any(people)
    union all select 'user_name ' || to_jsonb(lower(coalesce(user_name, scim->>'userName')))::text from users where id = any(people)
  ) as found (hand) where hand is not null
$function$;

CREATE OR REPLACE FUNCTION identity_mark(issuer text, subject text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select 'identity ' || jsonb_build_array(issuer, subject)::text
$function$;

CREATE OR REPLACE FUNCTION keep_ended_session()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into ended_sessions (id, issuer, sealed) values (old.id, coalesce(old.issuer, ''), old.sealed) on conflict do nothing;
  insert into due_work (lane, kind, subject, shard, run_at)
    values ('background', 'session.revoke', old.id, 'identity provider', clock_timestamp()) on conflict do nothing;
  perform pg_notify('due_work', 'background');
  return old;
end $function$;

CREATE OR REPLACE FUNCTION openings_have_hands()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if new.hands = '{}' then new.hands := hands_of(array[new.opened_by]); end if;
  if exists (
    select from grants g join access_requests q on q.id = g.request_id or q.extends_grant_id = g.id
      join approvals a on a.request_id = q.id
    where g.id = new.grant_id and a.decision = 'approve' and a.hands && new.hands) then
    raise exception 'a grant is opened by a hand that approved it'
      using errcode = 'check_violation', constraint = 'openings_by_another_hand_than_the_approvals', table = 'openings';
  end if;
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION proposals_have_hands()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if new.hands = '{}' then new.hands := hands_of(new.token_makers || new.proposer_id); end if;
  if new.decided_by is not null and new.decided_hands is null then new.decided_hands := hands_of(array[new.decided_by]); end if;
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION remember_external_id()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into person_marks (user_id, mark) values (new.id, external_id_mark(new.external_id)) on conflict do nothing;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION remember_identity()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into person_marks (user_id, mark) values (new.user_id, identity_mark(new.issuer, new.subject)) on conflict do nothing;
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION remember_leaving()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  new.left_at := clock_timestamp();
  return new;
end $function$;

CREATE OR REPLACE FUNCTION requests_have_a_kind()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if new.kind is null then new.kind := case when new.extends_grant_id is null then 'access' else 'extension' end; end if;
  return new;
end $function$;

CREATE OR REPLACE FUNCTION requests_have_hands()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if new.hands = '{}' then new.hands := hands_of(new.token_makers || new.requester_id); end if;
  return new;
end
$function$;

CREATE OR REPLACE FUNCTION reviews_have_hands()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if new.hands = '{}' then select hands into new.hands from access_requests where id = new.request_id; end if;
  if new.closed_by is not null and new.closed_hands is null then new.closed_hands := hands_of(array[new.closed_by]); end if;
  return new;
end
$function$;

insert into audit_head (seq, hash) values (0, E'\\x03e759a06bdcbf94112732b9439cf6889f4c7c295159eb1a21c8a0ac7ecb2e42');
