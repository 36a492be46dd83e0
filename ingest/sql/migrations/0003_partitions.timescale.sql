-- TimescaleDB, any edition: hypertables of one day a chunk.

select create_hypertable(name, by_range('at', interval '1 day'), create_default_indexes => false)
from unnest(array[
    'lane_measurement', 'turning_count', 'signal_state', 'signal_command', 'command_ack',
    'sensor_observation', 'traffic_event_history', 'agent_status_history'
]::regclass[]) as name;
