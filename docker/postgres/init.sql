-- The airline: the database of the demo and of the tests. The CSV files in /airline are made by scripts/data/airline.ts.

-- Debezium writes here every few seconds, so that the slot moves on when the airline is quiet.
CREATE SCHEMA cdc;
CREATE TABLE cdc.heartbeat (
  id integer PRIMARY KEY,
  beat_at timestamptz NOT NULL
);

-- npm run backfill asks Debezium here to read a table again.
CREATE TABLE cdc.signal (
  id text PRIMARY KEY,
  type text NOT NULL,
  data text
);

CREATE TABLE customers (
  customer_id integer PRIMARY KEY,
  name text NOT NULL,
  email varchar(120) NOT NULL UNIQUE,
  country char(2),
  born_on date,
  miles bigint NOT NULL DEFAULT 0,
  newsletter boolean NOT NULL DEFAULT false,
  preferences jsonb,
  joined_at timestamptz NOT NULL
);

CREATE TABLE flights (
  flight_id integer PRIMARY KEY,
  flight_uid uuid NOT NULL,
  code varchar(8) NOT NULL,
  origin char(3) NOT NULL,
  destination char(3) NOT NULL,
  -- Local time at the airport: a timestamp without a zone.
  departs_at timestamp NOT NULL,
  arrives_at timestamp NOT NULL,
  operates_on date NOT NULL,
  boarding_time time NOT NULL,
  distance_km double precision NOT NULL,
  fuel_kg real,
  seats_sold bigint NOT NULL DEFAULT 0,
  cancelled boolean NOT NULL DEFAULT false,
  crew json
);

CREATE TABLE bookings (
  booking_id integer PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES customers,
  flight_id integer NOT NULL REFERENCES flights,
  price numeric(10, 2) NOT NULL,
  seat text,
  booked_at timestamptz NOT NULL,
  status text NOT NULL DEFAULT 'BOOKED'
);

COPY customers FROM '/airline/customers.csv' WITH (FORMAT csv, HEADER true);
COPY flights FROM '/airline/flights.csv' WITH (FORMAT csv, HEADER true);
COPY bookings FROM '/airline/bookings.csv' WITH (FORMAT csv, HEADER true);
