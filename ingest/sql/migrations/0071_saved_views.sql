-- What an account wants to see again on the map.

create table saved_view (
    account uuid not null references account on delete cascade,
    name text not null check (name <> ''),
    content jsonb not null,
    changed_at timestamptz not null default now(),
    primary key (account, name)
);
comment on column saved_view.content is 'Centre, zoom, colouring and hidden layers, as the API takes them.';
