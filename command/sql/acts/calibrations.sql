-- name: calibration_find
-- What was drawn for a camera.
select camera, calibration, drawn_at, drawn_by from camera_calibration where camera = %(camera)s;

-- name: calibration_all
-- What was drawn for every camera.
select camera, calibration, drawn_at, drawn_by from camera_calibration order by camera;

-- name: calibration_save
-- The newest drawing of a camera replaces the one before.
insert into camera_calibration (camera, calibration, drawn_by)
values (%(camera)s, %(calibration)s, %(by)s)
on conflict (camera) do update
set calibration = excluded.calibration, drawn_at = now(), drawn_by = excluded.drawn_by
returning camera, calibration, drawn_at, drawn_by;

-- name: calibration_remove
-- The camera's own file counts again.
delete from camera_calibration where camera = %(camera)s returning camera;
