-- Of an order that is being done: how far it is, which is replaced as it goes and is no evidence; and that the office
-- cancels it, which is signed and stays (decisions 0107, 0108).
CREATE TABLE exchange.progress (
    order_id text PRIMARY KEY REFERENCES exchange.orders,
    stage text NOT NULL CHECK (stage ~ '^[A-Z_]{1,20}$'),
    since timestamptz NOT NULL,
    done bigint NOT NULL CHECK (done >= 0),
    of bigint CHECK (of >= 0),
    unit text NOT NULL CHECK (unit ~ '^[a-z]{1,20}$'),
    at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE exchange.cancellations (
    order_id text PRIMARY KEY REFERENCES exchange.orders,
    envelope bytea NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON exchange.cancellations
    FOR EACH STATEMENT EXECUTE FUNCTION control_stays();

-- Whoever cancels an order and whoever answers it take turns: the first to commit is the one that counts.
CREATE FUNCTION exchange.turn(id text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('exchange.turn ' || id, 0))
$$;

GRANT SELECT ON exchange.cancellations TO bagipakai_registry;
GRANT SELECT, INSERT, UPDATE ON exchange.progress TO bagipakai_registry;
