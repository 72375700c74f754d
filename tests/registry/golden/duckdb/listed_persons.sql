WITH
registry AS (      -- the files of the release that can hold a chosen row; codes are text inside them
    SELECT * FROM read_parquet(getvariable('parts'), hive_partitioning = false)
)
SELECT
    CAST(registry."person_ordinal" AS BIGINT) AS ordinal,
    wanted.place,
    CAST(registry."person_ordinal" AS BIGINT) AS "_person_ordinal",
    CAST(registry."id_keluarga" AS BIGINT) AS "_id_keluarga"
FROM registry JOIN wanted ON (registry."nik_number" = wanted.number)
