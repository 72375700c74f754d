-- What happened stays. A fence, not a proof: an owner of the table could take it down; the digests would tell.
CREATE FUNCTION control_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON control_event
    FOR EACH STATEMENT EXECUTE FUNCTION control_stays();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON control_readinessevent
    FOR EACH STATEMENT EXECUTE FUNCTION control_stays();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON control_grantevent
    FOR EACH STATEMENT EXECUTE FUNCTION control_stays();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON control_denial
    FOR EACH STATEMENT EXECUTE FUNCTION control_stays();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON control_reading
    FOR EACH STATEMENT EXECUTE FUNCTION control_stays();

-- Numbers of requests: never twice, gaps are allowed.
CREATE SEQUENCE control_request_number;
