WITH
registry AS (      -- the files of the release that can hold a chosen row; codes are text inside them
    SELECT * FROM read_parquet(getvariable('parts'), hive_partitioning = false)
),
chosen AS (        -- only what is true: false and unknown both stay behind
    SELECT * FROM registry
    WHERE (("kode_prov" IN (getvariable('p0'))) AND ("desil" <= getvariable('p1')))
)
SELECT
    CAST("kode_kab" AS VARCHAR) AS d0,
    CAST("desil" AS BIGINT) AS d1,
    count(*) AS persons,
    0 AS families,
    coalesce(bit_or(CAST(1 AS UBIGINT) << CAST(id_keluarga & 63 AS UTINYINT)), 0) AS marks
FROM chosen
GROUP BY d0, d1
HAVING (count(*) > 0)
-- p0 = '32'
-- p1 = 4
