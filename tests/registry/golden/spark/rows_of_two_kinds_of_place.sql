WITH
registry AS (      -- the files of the release that can hold a chosen row, and of their columns those that are needed
    SELECT * FROM {registry}
),
chosen AS (        -- only what is true: false and unknown both stay behind
    SELECT * FROM registry
    WHERE (((`kode_prov` IN (CAST(:p0 AS STRING))) OR (`kode_kec` IN (CAST(:p1 AS STRING), CAST(:p2 AS STRING)))) AND (NOT `listrik`))
)
SELECT
    CAST(`kode_kab` AS STRING) AS `kode_kab`,
    CAST(`first_ordinal` AS BIGINT) AS `_order`
FROM chosen
ORDER BY `_order` NULLS LAST
-- :p0 = '32'
-- :p1 = '320101'
-- :p2 = '320102'
