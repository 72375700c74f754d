WITH
registry AS (      -- the files of the release that can hold a chosen row; codes are text inside them
    SELECT * FROM read_parquet(getvariable('parts'), hive_partitioning = false)
),
chosen AS (        -- only what is true: false and unknown both stay behind
    SELECT * FROM registry
    WHERE ("desil" <= getvariable('p0'))
)
SELECT
    CAST("kode_kab" AS VARCHAR) AS d0,
    CAST("desil" AS BIGINT) AS d1,
    count(*) AS persons,
    0 AS families,
    CAST(0 AS UBIGINT) AS marks
FROM chosen
GROUP BY d0, d1
HAVING (count(*) > 0)
-- p0 = 4
