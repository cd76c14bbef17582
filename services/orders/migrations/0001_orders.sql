-- By SQLite and by PostgreSQL alike.
CREATE TABLE orders (
    id            TEXT   PRIMARY KEY, -- a UUID of version 7, so that the order is that of acceptance
    item          TEXT   NOT NULL,
    quantity      BIGINT NOT NULL,
    state         TEXT   NOT NULL,    -- accepted, claimed, fulfilled
    claimed_until BIGINT NOT NULL,    -- milliseconds of unix time; a claim that has run out is anybody's
    fulfilments   BIGINT NOT NULL     -- how often it was fulfilled: once
);
CREATE INDEX orders_by_state ON orders (state, id);
