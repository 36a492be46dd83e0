-- A department's own cases are found without looking at all others.

create index city_case_department on city_case (department, changed_at desc) where department is not null;
create index city_case_created on city_case (created_at desc);
