-- Consumers, their API keys, and what the data plane must be told of them. Floor: PostgreSQL 15.
--
-- Every change of a key, by whatever hand, gives its row
--   version     that grows with every change of that row: a reader keeps the greater one,
--   changed_by  the id of the transaction that wrote it: a reader who remembers a snapshot's xmin
--               asks for everything from there on and misses nothing, however long a transaction
--               stayed open,
-- and tells the channel `tidegate_keys`. The checks keep what no reader understands out of the table:
-- one odd row must not stop those who read it. Use of a key is no change: api_key_usage counts it.

CREATE TABLE consumers (
    id         text PRIMARY KEY CHECK (id ~ '^[!-~]{1,128}$'),
    name       text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE SEQUENCE api_key_versions AS bigint;

CREATE TABLE api_keys (
    number      uuid PRIMARY KEY,
    id          text NOT NULL UNIQUE GENERATED ALWAYS AS ('key_' || replace(number::text, '-', '')) STORED,
    consumer    text NOT NULL REFERENCES consumers (id),
    name        text NOT NULL,
    environment text NOT NULL CHECK (environment IN ('live', 'test')),
    tier        text NOT NULL,
    scopes      text[] NOT NULL DEFAULT '{}' CHECK (array_position(scopes, NULL) IS NULL),
    roles       text[] NOT NULL DEFAULT '{}' CHECK (array_position(roles, NULL) IS NULL),
    attributes  jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
    networks    text[] NOT NULL DEFAULT '{}' CHECK (array_position(networks, NULL) IS NULL),
    limits      jsonb CHECK (jsonb_typeof(limits) = 'array'),
    created_at  timestamptz NOT NULL DEFAULT now() CHECK (created_at BETWEEN '1970-01-01Z' AND '9999-01-01Z'),
    expires_at  timestamptz CHECK (expires_at BETWEEN '1970-01-01Z' AND '9999-01-01Z'),
    revoked_at  timestamptz CHECK (revoked_at BETWEEN '1970-01-01Z' AND '9999-01-01Z'),
    version     bigint NOT NULL DEFAULT 0,
    changed_by  bigint NOT NULL DEFAULT 0
);

CREATE INDEX api_keys_by_change ON api_keys (changed_by, number);
CREATE INDEX api_keys_by_consumer ON api_keys (consumer);

-- One key string and its secret. The key is kept as SHA-256, the secret sealed.
CREATE TABLE api_credentials (
    hash       bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    key        uuid NOT NULL REFERENCES api_keys (number) ON DELETE CASCADE,
    sealed     bytea NOT NULL,
    master_key bytea NOT NULL,
    prefix     text NOT NULL,
    last_four  text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    until      timestamptz CHECK (until BETWEEN '1970-01-01Z' AND '9999-01-01Z')
);

CREATE INDEX api_credentials_by_key ON api_credentials (key);

-- Keys that were deleted: a reader that was away learns of it here.
CREATE TABLE api_key_removals (
    number     uuid PRIMARY KEY,
    changed_by bigint NOT NULL,
    removed_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX api_key_removals_by_change ON api_key_removals (changed_by, number);

CREATE TABLE api_key_usage (
    key          uuid NOT NULL REFERENCES api_keys (number) ON DELETE CASCADE,
    day          date NOT NULL,
    requests     bigint NOT NULL,
    errors       bigint NOT NULL,
    last_used_at timestamptz NOT NULL,
    PRIMARY KEY (key, day)
);

CREATE FUNCTION api_key_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := nextval('api_key_versions');
    NEW.changed_by := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$;

CREATE TRIGGER api_key_stamp BEFORE INSERT OR UPDATE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION api_key_stamp();

CREATE FUNCTION api_key_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('tidegate_keys', NEW.id || ':' || NEW.version);
    RETURN NULL;
END $$;

CREATE TRIGGER api_key_tell AFTER INSERT OR UPDATE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION api_key_tell();

CREATE FUNCTION api_key_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO api_key_removals (number, changed_by)
    VALUES (OLD.number, pg_current_xact_id()::text::bigint)
    ON CONFLICT (number) DO UPDATE SET changed_by = excluded.changed_by, removed_at = now();
    PERFORM pg_notify('tidegate_keys', OLD.id || ':' || nextval('api_key_versions'));
    RETURN NULL;
END $$;

CREATE TRIGGER api_key_removed AFTER DELETE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION api_key_removed();

-- A credential is part of its key: its change is the key's.
CREATE FUNCTION api_credential_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE api_keys SET version = 0 WHERE number = OLD.key;
    END IF;
    IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.key <> OLD.key) THEN
        UPDATE api_keys SET version = 0 WHERE number = NEW.key;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER api_credential_changed AFTER INSERT OR UPDATE OR DELETE ON api_credentials
    FOR EACH ROW EXECUTE FUNCTION api_credential_changed();
