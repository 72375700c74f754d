WITH
registry AS (      -- the files of the release that can hold a chosen row, and of their columns those that are needed
    SELECT * FROM {registry}
),
chosen AS (        -- only what is true: false and unknown both stay behind
    SELECT * FROM registry
    WHERE (`kode_kab` IN (CAST(:p0 AS STRING)))
),
members AS (       -- one row per chosen row, with nothing but what is counted
    SELECT CAST(`listrik` AS BOOLEAN) AS d0, member_count FROM chosen
)
SELECT
    CAST(1 - bit_count(grouping_id(d0)) AS BIGINT) AS depth,
    d0,
    CAST(coalesce(sum(member_count), 0) AS BIGINT) AS persons,
    count(*) AS families
FROM members
GROUP BY GROUPING SETS ((), (d0))
HAVING (count(*) > 0)
-- :p0 = '3201'
