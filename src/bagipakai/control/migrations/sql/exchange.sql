-- The mailbox between the planes (decision 0004): signed orders in, signed receipts out, nothing else.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bagipakai_registry') THEN
        CREATE ROLE bagipakai_registry NOLOGIN;
    END IF;
    IF NOT pg_has_role(current_user, 'bagipakai_registry', 'MEMBER') THEN
        EXECUTE format('GRANT bagipakai_registry TO %I', current_user);  -- so that a connection can step down to it
    END IF;
END $$;

CREATE SCHEMA exchange;

CREATE TABLE exchange.orders (
    order_id text PRIMARY KEY,
    envelope bytea NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE exchange.receipts (
    order_id text PRIMARY KEY REFERENCES exchange.orders,
    envelope bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION exchange.announce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(TG_TABLE_NAME, NEW.order_id);
    RETURN NULL;
END $$;

CREATE TRIGGER announced AFTER INSERT ON exchange.orders FOR EACH ROW EXECUTE FUNCTION exchange.announce();
CREATE TRIGGER announced AFTER INSERT ON exchange.receipts FOR EACH ROW EXECUTE FUNCTION exchange.announce();

CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON exchange.orders
    FOR EACH STATEMENT EXECUTE FUNCTION control_stays();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON exchange.receipts
    FOR EACH STATEMENT EXECUTE FUNCTION control_stays();

REVOKE ALL ON SCHEMA exchange FROM PUBLIC;
GRANT USAGE ON SCHEMA exchange TO bagipakai_registry;
GRANT SELECT ON exchange.orders TO bagipakai_registry;
GRANT SELECT, INSERT ON exchange.receipts TO bagipakai_registry;
