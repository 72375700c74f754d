WITH
registry AS (      -- the files of the release that can hold a chosen row; codes are text inside them
    SELECT * FROM read_parquet(getvariable('parts'), hive_partitioning = false)
),
chosen AS (        -- only what is true: false and unknown both stay behind
    SELECT * FROM registry
)
SELECT
    count(*) AS persons,
    0 AS families,
    CAST(0 AS UBIGINT) AS marks
FROM chosen
HAVING (count(*) > 0)
