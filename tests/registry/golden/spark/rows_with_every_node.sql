WITH
registry AS (      -- the files of the release that can hold a chosen row, and of their columns those that are needed
    SELECT * FROM {registry}
),
chosen AS (        -- only what is true: false and unknown both stay behind
    SELECT * FROM registry
    WHERE (((`desil` <= CAST(:p0 AS BIGINT)) OR ((NOT `listrik`) IS NULL) OR (`desil` IS NULL)) AND (NOT (`desil` IN (CAST(:p1 AS BIGINT), CAST(:p2 AS BIGINT)))) AND (`desil` BETWEEN CAST(:p3 AS BIGINT) AND CAST(:p4 AS BIGINT)) AND (CAST(:p5 AS STRING) <> `nama`) AND (`kode_kab` = `kode_kec`))
)
SELECT
    CAST(`nama` AS STRING) AS `nama`,
    CAST(`person_ordinal` AS BIGINT) AS `_order`
FROM chosen
ORDER BY `_order` NULLS LAST
-- :p0 = 4
-- :p1 = 1
-- :p2 = 2
-- :p3 = 2
-- :p4 = 9
-- :p5 = "O'Brien"
