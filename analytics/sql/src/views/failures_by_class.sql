SELECT date_bin(INTERVAL '1 day', ended_at) AS day, class, count(*) AS failures,
       round(count(*) * 1.0 / sum(count(*)) OVER (PARTITION BY date_bin(INTERVAL '1 day', ended_at)), 4) AS share
FROM attempts WHERE class IS NOT NULL GROUP BY 1, 2
