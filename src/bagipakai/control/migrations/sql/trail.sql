-- The trail (decision 0073): what happened, as leaves of a log that others witness. A leaf is written with the change it
-- tells of; the sequencer gives it its number, once. Nobody changes it afterwards.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['bagipakai_office', 'bagipakai_sequencer'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        END IF;
        IF NOT pg_has_role(current_user, role, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO %I', role, current_user);  -- so that a connection can step down to it
        END IF;
    END LOOP;
END $$;

CREATE SCHEMA trail;

-- The text is what was committed to; the other columns repeat it, and cannot say anything else.
CREATE TABLE trail.leaf (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    body text NOT NULL CHECK (octet_length(body) <= 8192),
    event text NOT NULL GENERATED ALWAYS AS (body::jsonb ->> 'event') STORED,
    about text NOT NULL GENERATED ALWAYS AS (body::jsonb ->> 'object_ref') STORED,
    commitment text NOT NULL GENERATED ALWAYS AS (body::jsonb ->> 'object_hash') STORED,
    seq bigint UNIQUE CHECK (seq >= 0)
);
CREATE INDEX leaf_waiting ON trail.leaf (id) WHERE seq IS NULL;
CREATE INDEX leaf_about ON trail.leaf (about, id);

-- What a leaf committed to, and the salt that hides it from whoever guesses. Here, and not in the log, a deletion duty
-- can be met: without salt the commitment says nothing.
CREATE TABLE trail.opening (
    leaf bigint PRIMARY KEY REFERENCES trail.leaf,
    salt bytea NOT NULL CHECK (length(salt) = 32),
    payload text  -- canonical JSON; null where the office's own entry holds it
);

-- Somebody had seen more of the trail, or another one: nothing more is written until a person, named, lifts it.
CREATE TABLE trail.stop (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    said_by text NOT NULL
);
CREATE TABLE trail.lift (
    stop bigint PRIMARY KEY REFERENCES trail.stop,
    at timestamptz NOT NULL DEFAULT now(),
    lifted_by text NOT NULL DEFAULT session_user,
    reason text NOT NULL CHECK (length(reason) >= 20)
);

CREATE FUNCTION trail.only_numbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.seq IS NULL AND NEW.seq IS NOT NULL AND (OLD.id, OLD.body) = (NEW.id, NEW.body) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a leaf of the trail stays as it is' USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER numbered BEFORE UPDATE ON trail.leaf FOR EACH ROW EXECUTE FUNCTION trail.only_numbered();
CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON trail.leaf FOR EACH STATEMENT EXECUTE FUNCTION control_stays();
CREATE TRIGGER stays BEFORE UPDATE OR TRUNCATE ON trail.opening FOR EACH STATEMENT EXECUTE FUNCTION control_stays();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON trail.stop FOR EACH STATEMENT EXECUTE FUNCTION control_stays();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON trail.lift FOR EACH STATEMENT EXECUTE FUNCTION control_stays();
