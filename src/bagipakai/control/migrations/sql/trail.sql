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

CREATE TABLE trail.leaf (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    event text NOT NULL,
    about text NOT NULL,
    commitment text NOT NULL,
    body bytea NOT NULL CHECK (length(body) BETWEEN 1 AND 8192),
    seq bigint UNIQUE CHECK (seq >= 0)
);
CREATE INDEX leaf_waiting ON trail.leaf (id) WHERE seq IS NULL;
CREATE INDEX leaf_about ON trail.leaf (about, id);

-- What a leaf committed to, and the salt that hides it from whoever guesses. Here, and not in the log, a deletion duty
-- can be met: without salt the commitment says nothing.
CREATE TABLE trail.opening (
    leaf bigint PRIMARY KEY REFERENCES trail.leaf,
    salt bytea NOT NULL CHECK (length(salt) = 32),
    payload jsonb  -- null where the office's own entry holds it
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
    reason text NOT NULL CHECK (length(reason) >= 20)
);

CREATE FUNCTION trail.only_numbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.seq IS NULL AND NEW.seq IS NOT NULL
       AND (OLD.id, OLD.at, OLD.event, OLD.about, OLD.commitment, OLD.body)
         = (NEW.id, NEW.at, NEW.event, NEW.about, NEW.commitment, NEW.body) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a leaf of the trail stays as it is' USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION trail.announce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('trail', '');
    RETURN NULL;
END $$;

CREATE TRIGGER numbered BEFORE UPDATE ON trail.leaf FOR EACH ROW EXECUTE FUNCTION trail.only_numbered();
CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON trail.leaf FOR EACH STATEMENT EXECUTE FUNCTION control_stays();
CREATE TRIGGER stays BEFORE UPDATE OR TRUNCATE ON trail.opening FOR EACH STATEMENT EXECUTE FUNCTION control_stays();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON trail.stop FOR EACH STATEMENT EXECUTE FUNCTION control_stays();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON trail.lift FOR EACH STATEMENT EXECUTE FUNCTION control_stays();
CREATE TRIGGER announced AFTER INSERT ON trail.leaf FOR EACH STATEMENT EXECUTE FUNCTION trail.announce();

REVOKE ALL ON SCHEMA trail FROM PUBLIC;
GRANT USAGE ON SCHEMA trail TO bagipakai_office, bagipakai_sequencer;
GRANT SELECT, INSERT ON trail.leaf, trail.opening TO bagipakai_office;
GRANT SELECT, UPDATE (seq) ON trail.leaf TO bagipakai_sequencer;
GRANT SELECT, INSERT ON trail.stop TO bagipakai_office, bagipakai_sequencer;
GRANT SELECT ON trail.lift TO bagipakai_office, bagipakai_sequencer;
