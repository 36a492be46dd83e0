-- Rollups of observations as tables that ingest maintains, as those of lanes and counts.

alter table rollup_touched drop constraint rollup_touched_record_check;
alter table rollup_touched add constraint rollup_touched_record_check
    check (record in ('lane_measurement', 'turning_count', 'sensor_observation'));

do $$
declare
    step text;
begin
    foreach step in array array['1min', '15min', '1h', '1day'] loop
        execute format($t$
            create table %I (
                bucket timestamptz not null,
                device text not null,
                datastream text not null,
                unit text not null,
                samples bigint not null,
                value_sum double precision not null,
                value_min double precision not null,
                value_max double precision not null,
                quality_sum double precision not null,
                primary key (device, datastream, bucket, unit)
            ) with (fillfactor = 70)$t$, 'sensor_rollup_' || step);
        execute format('create index on %I (bucket)', 'sensor_rollup_' || step);
    end loop;
end
$$;

-- What spools may still hold is rolled from the beginning; a minute without records costs next to nothing.
insert into rollup_touched (record, bucket)
select 'sensor_observation', minute
from generate_series(date_trunc('minute', now() - interval '8 days'), now(), interval '1 minute') as s (minute)
where exists (select from sensor_observation);
