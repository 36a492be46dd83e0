-- What callers read of observations: the same views on every level of storage.

do $$
declare
    step text;
begin
    foreach step in array array['1min', '15min', '1h', '1day'] loop
        execute format($t$
            create view %I as
            select
                bucket, device, datastream, unit, samples,
                value_sum / samples as value, value_min, value_max,
                quality_sum / samples as quality
            from %I$t$, 'sensor_observation_' || step, 'sensor_rollup_' || step);
    end loop;
end
$$;
