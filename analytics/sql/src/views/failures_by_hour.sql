SELECT date_bin(INTERVAL '1 hour', ended_at) AS hour, count(*) AS attempts,
       count(*) FILTER (WHERE class IS NOT NULL) AS failures,
       round(count(*) FILTER (WHERE class IS NOT NULL) * 1.0 / count(*), 4) AS failure_rate
FROM attempts GROUP BY 1
