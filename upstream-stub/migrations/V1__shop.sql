-- Products, customers, orders. Floor: PostgreSQL 15. Money is counted in hundredths of its currency.

CREATE TABLE products (
    id          text PRIMARY KEY CHECK (id ~ '^prod_[A-Za-z0-9]{1,64}$'),
    sku         text NOT NULL CONSTRAINT products_sku UNIQUE,
    name        text NOT NULL,
    description text,
    category    text NOT NULL,
    price       bigint NOT NULL CHECK (price >= 0),
    currency    text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    status      text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX products_by_creation ON products (created_at, id);

CREATE TABLE customers (
    id         text PRIMARY KEY CHECK (id ~ '^cust_[A-Za-z0-9]{1,64}$'),
    name       text NOT NULL,
    email      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE orders (
    id               text PRIMARY KEY CHECK (id ~ '^order_[A-Za-z0-9]{1,64}$'),
    customer_id      text NOT NULL CONSTRAINT orders_customer REFERENCES customers (id),
    status           text NOT NULL DEFAULT 'pending'
                     CHECK (status IN ('pending', 'processing', 'shipped', 'delivered', 'cancelled')),
    total            bigint NOT NULL CHECK (total >= 0),
    currency         text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    shipping_address jsonb CHECK (jsonb_typeof(shipping_address) = 'object'),
    note             text,
    created_by       text,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    cancelled_at     timestamptz CHECK ((cancelled_at IS NOT NULL) = (status = 'cancelled'))
);

CREATE INDEX orders_by_creation ON orders (created_at, id);
CREATE INDEX orders_by_customer ON orders (customer_id, created_at);

-- The price is the one at which the order was placed; the product's may change later.
CREATE TABLE order_items (
    order_id   text NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    position   int NOT NULL,
    product_id text NOT NULL CONSTRAINT order_items_product REFERENCES products (id),
    quantity   int NOT NULL CHECK (quantity > 0),
    price      bigint NOT NULL CHECK (price >= 0),
    PRIMARY KEY (order_id, position)
);
