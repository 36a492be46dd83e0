-- Playback asks what became of alarms in a window of time.

create index alarm_entry_at on alarm_entry (at);
create index alarm_event_start_at on alarm_event (start_at);
create index alarm_event_end_at on alarm_event (end_at) where end_at is not null;
