-- What callers read: the same views on every level of storage.

do $$
declare
    step text;
begin
    foreach step in array array['1min', '15min', '1h', '1day'] loop
        execute format($t$
            create view %I as
            select
                bucket, lane, device, intersection, samples, weight_s as observed_s,
                vehicle_s / weight_s as vehicles,
                queued_s / weight_s as queued,
                queued_max,
                queue_m_s / weight_s as queue_m,
                queue_m_max,
                speed_sum / nullif(speed_weight, 0) as mean_speed_mps,
                occupancy_s / weight_s as occupancy,
                crossed, stops, delay_s,
                quality_s / weight_s as quality
            from %I$t$, 'lane_measurement_' || step, 'lane_rollup_' || step);
        execute format($t$
            create view %I as
            select bucket, camera, movement, road_user, count, samples, quality_sum / samples as quality
            from %I$t$, 'turning_count_' || step, 'turning_rollup_' || step);
    end loop;
end
$$;
