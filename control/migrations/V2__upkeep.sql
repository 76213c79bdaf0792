-- What upkeep looks for by age, so that it reads what it throws away and no whole table.

CREATE INDEX api_credentials_by_end ON api_credentials (until) WHERE until IS NOT NULL;
CREATE INDEX api_keys_by_end ON api_keys (least(revoked_at, expires_at))
    WHERE revoked_at IS NOT NULL OR expires_at IS NOT NULL;
CREATE INDEX api_key_usage_by_day ON api_key_usage (day);
CREATE INDEX api_key_removals_by_age ON api_key_removals (removed_at);
