SELECT pool, node_id, count(*) AS attempts,
       count(*) FILTER (WHERE class IN ('test_failure', 'crash', 'timeout', 'stall')) AS of_tests,
       count(*) FILTER (WHERE class IN ('node_lost', 'start_failure', 'out_of_memory')) AS of_machines,
       round(count(*) FILTER (WHERE class IS NOT NULL) * 1.0 / count(*), 4) AS failure_rate
FROM attempts GROUP BY 1, 2
