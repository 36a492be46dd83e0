-- What is true now: one upserted row each, so that nobody searches history for the latest.

create table lane_latest (
    lane text primary key,
    at timestamptz not null,
    stored_at timestamptz not null,
    device text not null,
    boot bigint not null,
    seq bigint not null,
    intersection text not null,
    period_s real not null,
    vehicles integer not null,
    queued integer not null,
    queue_m real not null,
    mean_speed_mps real,
    occupancy real not null,
    crossed integer not null,
    stops integer not null,
    delay_s real not null,
    quality real not null
) with (fillfactor = 50);

create table signal_latest (
    intersection text primary key,
    at timestamptz not null,
    stored_at timestamptz not null,
    device text not null,
    boot bigint not null,
    seq bigint not null,
    clock_s double precision not null,
    indications text not null,
    phase smallint not null,
    next_phase smallint not null,
    interval text not null,
    elapsed_s real not null,
    min_remaining_s real not null,
    max_remaining_s real,
    mode text not null,
    command_seq bigint not null
) with (fillfactor = 50);

create table sensor_latest (
    device text not null,
    datastream text not null,
    at timestamptz not null,
    stored_at timestamptz not null,
    boot bigint not null,
    seq bigint not null,
    value double precision not null,
    unit text not null,
    lon double precision,
    lat double precision,
    quality real not null,
    primary key (device, datastream)
) with (fillfactor = 50);

create table agent_latest (
    device text primary key,
    kind text not null generated always as (split_part(device, '/', 1)) stored,
    at timestamptz not null,
    received_at timestamptz not null,
    boot bigint not null,
    health text not null check (health in ('starting', 'ok', 'degraded', 'failed', 'offline')),
    version text not null,
    started_at timestamptz not null,
    detail text not null,
    lon double precision,
    lat double precision,
    spooled integer not null check (spooled >= 0),
    sent bigint not null check (sent >= 0),
    figures jsonb not null
) with (fillfactor = 50);

create table traffic_event (
    device text not null,
    event text not null,
    at timestamptz not null,
    stored_at timestamptz not null,
    boot bigint not null,
    seq bigint not null,
    kind text not null,
    severity text not null check (severity in ('info', 'warning', 'critical')),
    start_at timestamptz not null,
    end_at timestamptz,
    intersection text,
    camera text,
    lane text,
    lon double precision check (lon between -180 and 180),
    lat double precision check (lat between -90 and 90),
    detail text not null,
    evidence jsonb not null,
    quality real not null check (quality between 0 and 1),
    primary key (device, event)
) with (fillfactor = 70);
create index traffic_event_start_at on traffic_event (start_at);
create index traffic_event_open on traffic_event (start_at) where end_at is null;

create table intersection (
    intersection text primary key,
    at timestamptz not null,
    stored_at timestamptz not null,
    device text not null,
    boot bigint not null,
    seq bigint not null,
    name text not null,
    lon double precision not null check (lon between -180 and 180),
    lat double precision not null check (lat between -90 and 90),
    config jsonb not null
);
comment on column intersection.config is 'The whole IntersectionConfig message, as its JSON.';

create table road_network (
    device text primary key,
    version text not null,
    at timestamptz not null,
    parts integer not null check (parts >= 1)
);

create table road_network_part (
    device text not null,
    version text not null,
    part integer not null check (part >= 1),
    at timestamptz not null,
    stored_at timestamptz not null default clock_timestamp(),
    primary key (device, version, part)
);

create table road_network_segment (
    device text not null,
    version text not null,
    lane text not null,
    part integer not null check (part >= 1),
    path jsonb not null,
    speed_limit_mps real not null check (speed_limit_mps >= 0),
    width_m real not null check (width_m > 0),
    name text not null,
    to_intersection text,
    primary key (device, version, lane)
);
comment on column road_network_segment.path is '[[lon, lat], ...]';

create view road_segment as
select s.lane, s.path, s.speed_limit_mps, s.width_m, s.name, s.to_intersection, s.device, s.version
from road_network_segment as s
join road_network as n using (device, version);
comment on view road_segment is 'The lanes of the newest version of each network.';

create view command_with_answer as
select
    c.at, c.stored_at, c.device, c.boot, c.seq, c.intersection, c.phase, c.expires_at, c.reason,
    a.at as answered_at, a.device as answered_by, a.accepted, a.reason as answer
from signal_command as c
left join command_ack as a
    on a.command_device = c.device and a.command_boot = c.boot and a.command_seq = c.seq;
comment on view command_with_answer is 'Each command with the edge''s answer; accepted is null while there is none.';
