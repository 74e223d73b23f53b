SELECT suite, test, count(*) AS times, count(DISTINCT node_id) AS nodes, count(DISTINCT execution_id) AS executions,
       sum(run_ms) AS cost_ms, max(ts) AS last
FROM test_results WHERE flaky GROUP BY 1, 2
