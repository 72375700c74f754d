-- What the office and the sequencer may do, given anew after each migration. The owner of the tables is nobody's working
-- login: a fence that the office itself could take down would be none.
DO $$
DECLARE
    kept regclass;
BEGIN
    REVOKE ALL ON ALL TABLES IN SCHEMA public FROM bagipakai_office;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO bagipakai_office;
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO bagipakai_office;
    FOR kept IN  -- what is written for good can be read and added to
        SELECT tgrelid::regclass FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE tgname = 'stays' AND relnamespace = 'public'::regnamespace
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE ON %s FROM bagipakai_office', kept);
    END LOOP;
    REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM bagipakai_office;
    REVOKE UPDATE ON control_loginfailure FROM bagipakai_office;  -- written, and forgotten after a day
    GRANT USAGE ON SCHEMA exchange TO bagipakai_office;
    GRANT SELECT, INSERT ON exchange.orders TO bagipakai_office;
    GRANT SELECT ON exchange.receipts TO bagipakai_office;

    REVOKE ALL ON SCHEMA trail FROM PUBLIC;
    REVOKE ALL ON ALL TABLES IN SCHEMA trail FROM bagipakai_office, bagipakai_sequencer;
    GRANT USAGE ON SCHEMA trail TO bagipakai_office, bagipakai_sequencer;
    GRANT SELECT, INSERT (body) ON trail.leaf TO bagipakai_office;  -- its number comes from the sequencer alone
    GRANT SELECT, INSERT ON trail.opening TO bagipakai_office;
    GRANT SELECT, UPDATE (seq) ON trail.leaf TO bagipakai_sequencer;
    GRANT SELECT, INSERT (said_by) ON trail.stop TO bagipakai_office, bagipakai_sequencer;
    GRANT SELECT ON trail.lift TO bagipakai_office, bagipakai_sequencer;
END $$;
