-- Plain PostgreSQL: day partitions, made ahead by ingest; the default partition catches what has no day of
-- its own, so that no row is ever refused for its date.

do $$
declare
    name text;
begin
    foreach name in array array[
        'lane_measurement', 'turning_count', 'signal_state', 'signal_command', 'command_ack',
        'sensor_observation', 'traffic_event_history', 'agent_status_history'
    ] loop
        execute format('alter table %I rename to %I', name, name || '_shape');
        execute format(
            'create table %I (like %I including all) partition by range (at)', name, name || '_shape'
        );
        execute format('drop table %I', name || '_shape');
        execute format('create table %I partition of %I default', name || '_default', name);
    end loop;
end
$$;
