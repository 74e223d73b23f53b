SELECT suite, test, count(*) AS runs, count(*) FILTER (WHERE result = 'failed') AS failures,
       count(*) FILTER (WHERE flaky) AS flaky,
       round(count(*) FILTER (WHERE result = 'failed') * 1.0 / count(*), 4) AS failure_rate,
       count(DISTINCT node_id) FILTER (WHERE result = 'failed') AS failed_on_nodes
FROM test_results WHERE result <> 'skipped' GROUP BY 1, 2
