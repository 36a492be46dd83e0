-- Accounts, sessions, tokens and one-time links. Passwords are argon2 hashes; sessions, tokens and links are
-- kept as SHA-256 of what their owner holds; secrets that must be read again are sealed by the command centre.

create table account (
    id uuid primary key,
    name text not null check (name <> ''),
    roles text[] not null,
    districts text[] not null default array[]::text[],
    department text,
    password_hash text,
    password_changed_at timestamptz,
    totp_sealed bytea,
    totp_pending bytea,
    totp_step bigint,
    failures integer not null default 0 check (failures >= 0),
    locked_until timestamptz,
    disabled_at timestamptz,
    issuer text,
    subject text,
    created_at timestamptz not null default now()
);
create unique index account_name on account (lower(name));
create unique index account_subject on account (issuer, subject) where issuer is not null;

create table session (
    token_hash bytea primary key,
    account uuid not null references account on delete cascade,
    created_at timestamptz not null default now(),
    used_at timestamptz not null default now(),
    ends_at timestamptz not null
);
create index session_account on session (account);

create table api_token (
    id uuid primary key,
    account uuid not null references account on delete cascade,
    name text not null,
    token_hash bytea not null unique,
    scopes text[] not null,
    created_at timestamptz not null default now(),
    ends_at timestamptz,
    revoked_at timestamptz
);

create table sign_in_link (
    token_hash bytea primary key,
    account uuid not null references account on delete cascade,
    ends_at timestamptz not null
);
