WITH
registry AS (      -- what was counted of the regencies whose files would be read
    SELECT * FROM read_parquet(getvariable('tally'), hive_partitioning = false)
    WHERE kode_kab IN (SELECT unnest(getvariable('regencies')))
),
chosen AS (        -- only what is true: false and unknown both stay behind
    SELECT * FROM registry
    WHERE (("kode_prov" IN (getvariable('p0'))) AND ("desil" <= getvariable('p1')))
)
SELECT
    CAST("kode_kab" AS VARCHAR) AS d0,
    CAST("desil" AS BIGINT) AS d1,
    CAST(sum(persons) AS BIGINT) AS persons,
    CAST(sum(families) AS BIGINT) AS families,
    CAST(0 AS UBIGINT) AS marks
FROM chosen
GROUP BY d0, d1
HAVING (count(*) > 0)
-- p0 = '32'
-- p1 = 4
