SELECT policy, rule, after_class, count(*) AS retries, count(*) FILTER (WHERE outcome = 'passed') AS passed,
       round(count(*) FILTER (WHERE outcome = 'passed') * 1.0 / count(*), 4) AS passed_share,
       sum(run_ms) AS cost_ms, round(avg(wait_ms)) AS mean_wait_ms
FROM attempts WHERE rule IS NOT NULL GROUP BY 1, 2, 3
