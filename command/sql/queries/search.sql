-- name: search_cells
-- Cells of the unit grid whose code begins with some digits.
select code, array[(west + east) / 2, (south + north) / 2] as position
from grid_cell
where code like %(code)s || '%%'
order by code
limit %(rows)s;
