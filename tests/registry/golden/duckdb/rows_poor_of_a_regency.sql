WITH
registry AS (      -- the files of the release that can hold a chosen row; codes are text inside them
    SELECT * FROM read_parquet(getvariable('parts'), hive_partitioning = false)
),
chosen AS (        -- only what is true: false and unknown both stay behind
    SELECT * FROM registry
    WHERE (("kode_kab" IN (getvariable('p0'))) AND ("desil" <= getvariable('p1')))
)
SELECT
    CAST("desil" AS BIGINT) AS "desil",
    CAST("nama" AS VARCHAR) AS "nama"
FROM chosen
-- p0 = '3201'
-- p1 = 4
