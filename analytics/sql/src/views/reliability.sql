SELECT pool, zone, count(*) AS losses, round(avg(done_ms)) AS mean_time_to_recovery_ms,
       round(date_part('epoch', max(lost_at) - min(lost_at)) / nullif(count(*) - 1, 0)) AS mean_time_between_failures_s
FROM recoveries GROUP BY 1, 2
