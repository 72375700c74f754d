WITH
registry AS (      -- the files of the release that can hold a chosen row; codes are text inside them
    SELECT * FROM read_parquet(getvariable('parts'), hive_partitioning = false)
),
chosen AS (        -- only what is true: false and unknown both stay behind
    SELECT * FROM registry
    WHERE ((("desil" <= getvariable('p0')) OR ((NOT "listrik") IS NULL) OR ("desil" IS NULL)) AND (NOT ("desil" IN (getvariable('p1'), getvariable('p2')))) AND ("desil" BETWEEN getvariable('p3') AND getvariable('p4')) AND (getvariable('p5') <> "nama") AND ("kode_kab" = "kode_kec"))
)
SELECT
    CAST("nama" AS VARCHAR) AS "nama"
FROM chosen
-- p0 = 4
-- p1 = 1
-- p2 = 2
-- p3 = 2
-- p4 = 9
-- p5 = "O'Brien"
