WITH
registry AS (      -- the files of the release that can hold a chosen row; codes are text inside them
    SELECT * FROM read_parquet(getvariable('parts'), hive_partitioning = false)
),
chosen AS (        -- only what is true: false and unknown both stay behind
    SELECT * FROM registry
    WHERE ((("kode_prov" IN (getvariable('p0'))) OR ("kode_kec" IN (getvariable('p1'), getvariable('p2')))) AND (NOT "listrik"))
)
SELECT
    CAST("kode_kab" AS VARCHAR) AS "kode_kab"
FROM chosen
-- p0 = '32'
-- p1 = '320101'
-- p2 = '320102'
