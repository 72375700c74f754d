-- What the office and the sequencer may do, given anew after each migration. The owner of the tables is nobody's working
-- login: a fence that the office itself could take down would be none.
DO $$
DECLARE
    list text;
    name text;
BEGIN
    REVOKE ALL ON ALL TABLES IN SCHEMA public FROM bagipakai_office;
    FOR name, list IN  -- rights on columns are not among those of tables
        SELECT attrelid::regclass, string_agg(quote_ident(attname), ', ') FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid AND relnamespace = 'public'::regnamespace AND relkind = 'r'
        WHERE attnum > 0 AND NOT attisdropped AND attacl IS NOT NULL GROUP BY attrelid
    LOOP
        EXECUTE format('REVOKE ALL (%s) ON %s FROM bagipakai_office', list, name);
    END LOOP;
    -- All can be read and added to. Of what stands, the office changes only what can change by its own acts.
    GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO bagipakai_office;
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO bagipakai_office;
    REVOKE INSERT ON django_migrations FROM bagipakai_office;
    GRANT UPDATE (n, status, level, programme, purpose, owners, awaited, sent_at, due_on, changed_at)
        ON control_request TO bagipakai_office;  -- copies of what its events say, by which lists are made
    GRANT UPDATE (n, status, changed_at, valid_until) ON control_readinessreview TO bagipakai_office;
    GRANT UPDATE (n, status, received_at, package, manifest) ON control_grant TO bagipakai_office;
    GRANT UPDATE (appointment_file_id, dpo_name, dpo_contact) ON control_institution TO bagipakai_office;
    GRANT UPDATE (closed_on) ON control_post TO bagipakai_office;
    GRANT UPDATE (ended_at) ON control_tenure, control_processormandate TO bagipakai_office;
    GRANT UPDATE (password, last_login, state, language) ON control_person TO bagipakai_office;
    GRANT UPDATE (collected_at) ON control_placedorder, control_placedintake, control_placedroster TO bagipakai_office;
    GRANT UPDATE (n, status, changed_at) ON control_submission, control_roster TO bagipakai_office;
    GRANT UPDATE (pairs, refusal, finished_at) ON control_review TO bagipakai_office;  -- as the registry's receipt says
    GRANT UPDATE (n, status, changed_at, verdicts) ON control_sheet TO bagipakai_office;
    GRANT UPDATE (withdrawn_at, withdrawal_reason) ON control_release TO bagipakai_office;
    GRANT UPDATE (read_at) ON control_notice TO bagipakai_office;
    GRANT UPDATE, DELETE ON control_claim, django_session TO bagipakai_office;
    GRANT UPDATE, DELETE ON control_uploadedfile, control_uploadedpiece TO bagipakai_office;  -- until they are sent
    GRANT DELETE ON control_loginfailure TO bagipakai_office;
    REVOKE UPDATE ON control_loginfailure FROM bagipakai_office;  -- written, and forgotten after a day
    GRANT USAGE ON SCHEMA exchange TO bagipakai_office;
    GRANT SELECT, INSERT ON exchange.orders TO bagipakai_office;
    GRANT SELECT, INSERT ON exchange.cancellations TO bagipakai_office;
    GRANT SELECT ON exchange.receipts, exchange.progress TO bagipakai_office;

    REVOKE ALL ON SCHEMA trail FROM PUBLIC;
    REVOKE ALL ON ALL TABLES IN SCHEMA trail FROM bagipakai_office, bagipakai_sequencer;
    GRANT USAGE ON SCHEMA trail TO bagipakai_office, bagipakai_sequencer;
    GRANT SELECT, INSERT (body) ON trail.leaf TO bagipakai_office;  -- its number comes from the sequencer alone
    GRANT SELECT, INSERT ON trail.opening TO bagipakai_office;
    GRANT SELECT, UPDATE (seq) ON trail.leaf TO bagipakai_sequencer;
    GRANT SELECT, INSERT (said_by) ON trail.stop TO bagipakai_office, bagipakai_sequencer;
    GRANT SELECT ON trail.lift TO bagipakai_office, bagipakai_sequencer;
END $$;
