WITH
registry AS (      -- the files of the release that can hold a chosen row, and of their columns those that are needed
    SELECT * FROM {registry}
),
chosen AS (        -- only what is true: false and unknown both stay behind
    SELECT * FROM registry
),
members AS (       -- one row per chosen row, with nothing but what is counted
    SELECT id_keluarga FROM chosen
)
SELECT
    CAST(0 AS BIGINT) AS depth,
    count(*) AS persons,
    count(DISTINCT id_keluarga) AS families
FROM members
HAVING (count(*) > 0)
