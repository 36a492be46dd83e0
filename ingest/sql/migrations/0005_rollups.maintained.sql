-- Rollups as tables that ingest maintains (plain PostgreSQL and TimescaleDB Apache): a batch notes the minutes
-- that it touched in `rollup_touched`, and the roller makes those minutes, and all above them, anew.

create table rollup_touched (
    record text not null check (record in ('lane_measurement', 'turning_count')),
    bucket timestamptz not null
);
comment on table rollup_touched is
    'Minutes with new rows, appended by each batch in its transaction; no key, so that batches never wait.';

do $$
declare
    step text;
begin
    foreach step in array array['1min', '15min', '1h', '1day'] loop
        execute format($t$
            create table %I (
                bucket timestamptz not null,
                lane text not null,
                device text not null,
                intersection text not null,
                samples bigint not null,
                weight_s double precision not null,
                vehicle_s double precision not null,
                queued_s double precision not null,
                queued_max integer not null,
                queue_m_s double precision not null,
                queue_m_max real not null,
                speed_weight double precision not null,
                speed_sum double precision not null,
                occupancy_s double precision not null,
                crossed bigint not null,
                stops bigint not null,
                delay_s double precision not null,
                quality_s double precision not null,
                primary key (lane, bucket, device)
            ) with (fillfactor = 70)$t$, 'lane_rollup_' || step);
        execute format('create index on %I (bucket)', 'lane_rollup_' || step);
        execute format($t$
            create table %I (
                bucket timestamptz not null,
                camera text not null,
                movement text not null,
                road_user text not null,
                count bigint not null,
                samples bigint not null,
                quality_sum double precision not null,
                primary key (camera, bucket, movement, road_user)
            ) with (fillfactor = 70)$t$, 'turning_rollup_' || step);
        execute format('create index on %I (bucket)', 'turning_rollup_' || step);
    end loop;
end
$$;
