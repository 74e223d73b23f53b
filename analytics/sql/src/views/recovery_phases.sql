SELECT cause, phase, count(*) AS recoveries, round(approx_percentile_cont(ms, 0.5)) AS p50_ms,
       round(approx_percentile_cont(ms, 0.95)) AS p95_ms, round(approx_percentile_cont(ms, 0.99)) AS p99_ms,
       max(ms) AS worst_ms
FROM (SELECT cause, '1 suspected' AS phase, suspected_ms AS ms FROM recoveries
      UNION ALL SELECT cause, '2 noticed', noticed_ms FROM recoveries
      UNION ALL SELECT cause, '3 fenced', fenced_ms FROM recoveries
      UNION ALL SELECT cause, '4 requeued', requeued_ms FROM recoveries
      UNION ALL SELECT cause, '5 progress', progress_ms FROM recoveries
      UNION ALL SELECT cause, '6 done', done_ms FROM recoveries) phases
WHERE ms IS NOT NULL GROUP BY 1, 2
