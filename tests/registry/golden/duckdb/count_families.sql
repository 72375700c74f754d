WITH
registry AS (      -- the files of the release that can hold a chosen row; codes are text inside them
    SELECT * FROM read_parquet(getvariable('parts'), hive_partitioning = false)
),
chosen AS (        -- only what is true: false and unknown both stay behind
    SELECT * FROM registry
    WHERE ("kode_kab" IN (getvariable('p0')))
)
SELECT
    CAST("listrik" AS BOOLEAN) AS d0,
    CAST(coalesce(sum(member_count), 0) AS BIGINT) AS persons,
    count(*) AS families,
    CAST(0 AS UBIGINT) AS marks
FROM chosen
GROUP BY d0
HAVING (count(*) > 0)
-- p0 = '3201'
