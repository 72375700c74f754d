WITH
registry AS (      -- the files of the release that can hold a chosen row, and of their columns those that are needed
    SELECT * FROM {registry}
),
chosen AS (        -- only what is true: false and unknown both stay behind
    SELECT * FROM registry
    WHERE ((`kode_kab` IN (CAST(:p0 AS STRING))) AND (`desil` <= CAST(:p1 AS BIGINT)))
)
SELECT
    CAST(`desil` AS BIGINT) AS `desil`,
    CAST(`nama` AS STRING) AS `nama`,
    CAST(`person_ordinal` AS BIGINT) AS `_order`
FROM chosen
ORDER BY `_order` NULLS LAST
-- :p0 = '3201'
-- :p1 = 4
