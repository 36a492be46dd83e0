-- One row per fact, by time of capture (`at`). How these tables are cut by time is decided in the next part.

create table lane_measurement (
    at timestamptz not null,
    stored_at timestamptz not null default clock_timestamp(),
    device text not null,
    boot bigint not null,
    seq bigint not null,
    intersection text not null,
    lane text not null,
    period_s real not null check (period_s >= 0),
    vehicles integer not null check (vehicles >= 0),
    queued integer not null check (queued >= 0),
    queue_m real not null check (queue_m >= 0),
    mean_speed_mps real check (mean_speed_mps >= 0),
    occupancy real not null check (occupancy between 0 and 1),
    crossed integer not null check (crossed >= 0),
    stops integer not null check (stops >= 0),
    delay_s real not null check (delay_s >= 0),
    quality real not null check (quality between 0 and 1)
);
create index lane_measurement_lane_at on lane_measurement (lane, at);
create index lane_measurement_at on lane_measurement (at);

create table turning_count (
    at timestamptz not null,
    stored_at timestamptz not null default clock_timestamp(),
    device text not null,
    boot bigint not null,
    seq bigint not null,
    camera text not null,
    movement text not null,
    start_at timestamptz not null,
    end_at timestamptz not null,
    road_user text not null
        check (road_user in ('person', 'bicycle', 'motorcycle', 'car', 'bus', 'truck')),
    count integer not null check (count >= 0),
    quality real not null check (quality between 0 and 1),
    check (end_at >= start_at)
);
create index turning_count_camera_at on turning_count (camera, at);
create index turning_count_at on turning_count (at);

create table signal_state (
    at timestamptz not null,
    stored_at timestamptz not null default clock_timestamp(),
    device text not null,
    boot bigint not null,
    seq bigint not null,
    intersection text not null,
    clock_s double precision not null check (clock_s >= 0),
    indications text not null check (indications ~ '^[GgyrsuoO]+$' and length(indications) <= 256),
    phase smallint not null check (phase between 0 and 63),
    next_phase smallint not null check (next_phase between 0 and 63),
    interval text not null check (interval in ('green', 'yellow', 'all_red', 'flash')),
    elapsed_s real not null check (elapsed_s >= 0),
    min_remaining_s real not null check (min_remaining_s >= 0),
    max_remaining_s real check (max_remaining_s >= 0),
    mode text not null check (mode in ('commanded', 'local', 'flash')),
    command_seq bigint not null check (command_seq >= 0)
);
create index signal_state_intersection_at on signal_state (intersection, at);
create index signal_state_at on signal_state (at);

create table signal_command (
    at timestamptz not null,
    stored_at timestamptz not null default clock_timestamp(),
    device text not null,
    boot bigint not null,
    seq bigint not null,
    intersection text not null,
    phase smallint not null check (phase between 0 and 63),
    expires_at timestamptz not null,
    reason text not null
);
create index signal_command_intersection_at on signal_command (intersection, at);
create index signal_command_at on signal_command (at);

create table command_ack (
    at timestamptz not null,
    stored_at timestamptz not null default clock_timestamp(),
    device text not null,
    boot bigint not null,
    seq bigint not null,
    intersection text not null,
    command_device text not null,
    command_boot bigint not null,
    command_seq bigint not null,
    phase smallint not null check (phase between 0 and 63),
    issued_at timestamptz not null,
    accepted boolean not null,
    reason text not null
);
create index command_ack_command on command_ack (command_device, command_boot, command_seq);
create index command_ack_at on command_ack (at);

create table sensor_observation (
    at timestamptz not null,
    stored_at timestamptz not null default clock_timestamp(),
    device text not null,
    boot bigint not null,
    seq bigint not null,
    datastream text not null,
    value double precision not null,
    unit text not null,
    lon double precision check (lon between -180 and 180),
    lat double precision check (lat between -90 and 90),
    quality real not null check (quality between 0 and 1)
);
create index sensor_observation_datastream_at on sensor_observation (datastream, at);
create index sensor_observation_at on sensor_observation (at);

create table traffic_event_history (
    at timestamptz not null,
    stored_at timestamptz not null default clock_timestamp(),
    device text not null,
    boot bigint not null,
    seq bigint not null,
    event text not null,
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
    quality real not null check (quality between 0 and 1)
);
create index traffic_event_history_event on traffic_event_history (device, event);
create index traffic_event_history_at on traffic_event_history (at);

create table agent_status_history (
    at timestamptz not null,
    stored_at timestamptz not null default clock_timestamp(),
    device text not null,
    boot bigint not null,
    health text not null check (health in ('starting', 'ok', 'degraded', 'failed', 'offline')),
    version text not null,
    detail text not null
);
create index agent_status_history_device_at on agent_status_history (device, at);
create index agent_status_history_at on agent_status_history (at);
