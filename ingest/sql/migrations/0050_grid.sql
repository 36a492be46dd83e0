-- The unit grid, who is responsible where, components, classes of cases, and the workers of the street.

create table case_class (
    code text primary key check (code ~ '^[ce][0-9]{5}$'),
    kind text not null check (kind in ('component', 'event')),
    major text not null,
    major_zh text not null,
    name text not null check (name <> ''),
    name_zh text not null,
    severity text not null check (severity in ('low', 'normal', 'high')),
    clock text not null check (clock in ('continuous', 'working_hours', 'working_days')),
    limit_s integer not null check (limit_s > 0),
    owner text not null default '',
    routing text not null check (routing in ('owner_first', 'territory_first')),
    filing text not null,
    closing text not null,
    skill text not null default '',
    is_checked boolean not null,
    is_public boolean not null,
    event_kinds text[] not null default array[]::text[],
    keywords text[] not null default array[]::text[],
    retired_at timestamptz
);
comment on table case_class is 'Code: c (component) or e (event), two digits of the major class, three of the minor.';

create table responsibility_grid (
    code text primary key check (code <> ''),
    name text not null default '',
    worker uuid references account
);

create table grid_cell (
    code text primary key check (code ~ '^[0-9]{15}$'),
    west double precision not null,
    south double precision not null,
    east double precision not null check (east > west),
    north double precision not null check (north > south),
    responsibility text references responsibility_grid
);
create index grid_cell_place on grid_cell (west, south);
comment on table grid_cell is
    'Code: 6 digits county, 3 sub-district, 3 community, 3 sequence: west to east, then north to south.';

create table territory (
    prefix text primary key check (prefix ~ '^[0-9]{6,12}$'),
    department text not null check (department <> '')
);
comment on table territory is 'Which department looks after the cells whose code begins so; the longest counts.';

create table component (
    code text primary key check (code ~ '^[0-9]{16}$'),
    class text not null references case_class,
    name text not null default '',
    owner text not null default '',
    lon double precision not null,
    lat double precision not null,
    cell text references grid_cell
);
create index component_place on component (lon, lat);
comment on table component is 'Code: 6 digits county, 2 major class, 3 minor class, 5 sequence.';

create table field_worker (
    account uuid primary key references account,
    skills text[] not null default array[]::text[],
    on_duty boolean not null default false,
    duty_since timestamptz,
    rested_at timestamptz,
    lon double precision,
    lat double precision,
    accuracy_m double precision,
    position_at timestamptz,
    check ((lon is null) = (position_at is null))
);
comment on table field_worker is 'Who can be sent. Where somebody is, is known on duty only.';

create table worker_position (
    account uuid not null references account,
    at timestamptz not null,
    lon double precision not null,
    lat double precision not null,
    accuracy_m double precision,
    primary key (account, at)
);
create index worker_position_at on worker_position (at);
