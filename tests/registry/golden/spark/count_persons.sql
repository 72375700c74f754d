WITH
registry AS (      -- the files of the release that can hold a chosen row, and of their columns those that are needed
    SELECT * FROM {registry}
),
chosen AS (        -- only what is true: false and unknown both stay behind
    SELECT * FROM registry
    WHERE (`desil` <= CAST(:p0 AS BIGINT))
),
members AS (       -- one row per chosen row, with nothing but what is counted
    SELECT CAST(`kode_kab` AS STRING) AS d0, CAST(`desil` AS BIGINT) AS d1, id_keluarga FROM chosen
)
SELECT
    CAST(2 - bit_count(grouping_id(d0, d1)) AS BIGINT) AS depth,
    d0,
    d1,
    count(*) AS persons,
    count(DISTINCT id_keluarga) AS families
FROM members
GROUP BY GROUPING SETS ((), (d0), (d0, d1))
HAVING (count(*) > 0)
-- :p0 = 4
