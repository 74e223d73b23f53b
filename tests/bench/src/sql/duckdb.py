"""Asks DuckDB the questions of a file, each some times; prints a line each: milliseconds of the quickest answer, rows.

The tables are the files that Delta names, and beside them those with what has not landed. Where later rows about the
same replace earlier ones, its key is given: `executions=journal, pool, execution_id`.
"""

import sys
import time

import deltalake
import duckdb

folder, now, runs, *tables = sys.argv[1:]
db = duckdb.connect()
db.execute("SET TimeZone = 'UTC'")
db.execute("CREATE MACRO date_bin(width, ts) AS time_bucket(width, ts)")
db.execute("CREATE MACRO approx_percentile_cont(value, share) AS approx_quantile(value, share)")
db.execute(
    f"""CREATE MACRO ago(length) AS make_timestamptz({now}000)
        - (replace(replace(length, 'd', ' days'), 'h', ' hours'))::INTERVAL"""
)
for table in tables:
    name, key = table.split("=")
    files = deltalake.DeltaTable(f"{folder}/{name}").file_uris() + [f"{folder}/waiting/{name}/rows.parquet"]
    view = f"SELECT * FROM read_parquet({files}, hive_partitioning = false)"
    if key:
        view += f" QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY journal_position DESC, journal_row DESC) = 1"
    db.execute(f"CREATE VIEW {name} AS {view}")
for question in open(f"{folder}/questions.sql").read().splitlines():
    took = []
    for _ in range(int(runs)):
        began = time.perf_counter()
        db.execute(f"CREATE OR REPLACE TEMP TABLE answer AS {question}")
        took.append(1000 * (time.perf_counter() - began))
    rows = db.execute("SELECT count(*) FROM answer").fetchone()[0]
    print(min(took), rows)
