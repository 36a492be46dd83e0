-- Webhooks and their deliveries: queued in the transaction of what they tell of, sent afterwards.

create table webhook (
    id uuid primary key,
    url text not null,
    topics text[] not null,
    secret_sealed bytea not null,
    districts text[] not null default array[]::text[],
    created_at timestamptz not null default now(),
    created_by uuid not null references account,
    disabled_at timestamptz
);

create table webhook_delivery (
    id uuid primary key,
    webhook uuid not null references webhook on delete cascade,
    topic text not null,
    body text not null,
    queued_at timestamptz not null default now(),
    due_at timestamptz default now(),
    attempts integer not null default 0,
    status integer,
    error text not null default '',
    delivered_at timestamptz
);
create index webhook_delivery_due on webhook_delivery (due_at) where due_at is not null;
create index webhook_delivery_webhook on webhook_delivery (webhook, queued_at desc);
