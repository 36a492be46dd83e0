-- What was drawn over the picture of each camera: one row a camera, the newest; who drew before is in the audit.

create table camera_calibration (
    camera text primary key,
    calibration jsonb not null,
    drawn_at timestamptz not null default now(),
    drawn_by text not null
);
