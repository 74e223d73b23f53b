SELECT execution_id, state, took_ms, passed, failed, parked, flaky FROM executions WHERE flow = 'nightly-web' ORDER BY started_at DESC LIMIT 7; -- last nights?
SELECT test, count(*) n, count(DISTINCT node_id) nodes FROM test_results WHERE result = 'failed' AND ts > ago('7d') GROUP BY 1 ORDER BY n DESC; -- fails most?
SELECT test, count(*) n, sum(run_ms) cost_ms FROM test_results WHERE flaky AND ts > ago('30d') GROUP BY test ORDER BY cost_ms DESC LIMIT 20; -- flaky, by cost?
SELECT task_id, avg(wait_ms), avg(run_ms) FROM attempts WHERE flow = 'nightly-web' AND ready_at > ago('7d') GROUP BY 1 ORDER BY 3 DESC; -- waiting or running?
SELECT after_class, count(*) n, count(*) FILTER (WHERE outcome = 'passed') helped FROM attempts WHERE attempt > 1 GROUP BY 1; -- do retries help?
SELECT ts, execution_id, task_id, class, why FROM decisions WHERE action IN ('park', 'escalate') AND ts > ago('7d') ORDER BY ts; -- what was parked, and why?
SELECT date_bin(INTERVAL '1 day', started_at) AS day, avg(took_ms) AS ms FROM executions WHERE flow = 'nightly-web' GROUP BY 1 ORDER BY 1; -- slower?
SELECT ts, attempt, class, path, action, why FROM decisions WHERE execution_id = 'nightly-web-118' AND task_id = 'visual:dark' ORDER BY ts; -- why this?
SELECT node_id, count(*) n, count(*) FILTER (WHERE class IN ('node_lost', 'start_failure')) bad FROM attempts GROUP BY 1 ORDER BY bad DESC; -- bad nodes?
SELECT date_bin(INTERVAL '1 day', ts) AS day, cause, count(*) n FROM node_changes WHERE to_state = 'lost' GROUP BY 1, 2 ORDER BY 1; -- losses, and from what?
SELECT node_id, count(*) n, count(DISTINCT boot_id) boots FROM node_changes WHERE ts > ago('1d') GROUP BY 1 HAVING count(*) > 4; -- which nodes flap?
SELECT date_bin(INTERVAL '1 hour', ready_at) AS hour, approx_percentile_cont(wait_ms, 0.95) AS p95 FROM attempts GROUP BY 1 ORDER BY 1; -- capacity short, when?
SELECT zone, date_bin(INTERVAL '1 hour', started_at) AS hour, sum(run_ms) / 3600000.0 AS slots FROM attempts GROUP BY 1, 2 ORDER BY 2; -- slots busy, where?
SELECT cause, count(*) n, approx_percentile_cont(progress_ms, 0.95) AS p95 FROM recoveries WHERE lost_at > ago('7d') GROUP BY 1; -- how fast do we recover?
SELECT ts, actor, kind, execution_id, node_id, reason FROM events WHERE actor <> 'engine' AND ts > ago('1d') ORDER BY ts; -- what was done by hand, why?
SELECT ts, kind, node_id, task_id, detail FROM events WHERE ts BETWEEN '2026-03-14T02:15:00Z' AND '2026-03-14T02:20:00Z' ORDER BY position; -- and then?
SELECT date_bin(INTERVAL '1 day', ts) AS day, class, count(*) n FROM failures WHERE ts > ago('30d') GROUP BY 1, 2 ORDER BY 1, n DESC; -- what fails, by day?
SELECT node_id, ts, silent_ms FROM node_changes WHERE from_state = 'lost' AND cause = 'heartbeat' ORDER BY silent_ms; -- which deaths were false (no new boot)?
SELECT recovery_id, cause, noticed_ms, fenced_ms, requeued_ms, progress_ms FROM recoveries WHERE progress_ms > 60000; -- which missed the goal, in which phase?
SELECT policy, rule, count(*) n, count(*) FILTER (WHERE outcome = 'passed') bought, sum(run_ms) ms FROM attempts WHERE attempt > 1 GROUP BY 1, 2; -- worth?
SELECT signature, count(*) n, count(DISTINCT node_id) nodes, count(DISTINCT task_id) tasks FROM failures GROUP BY 1 ORDER BY n DESC LIMIT 20; -- node or test?
SELECT zone, avg(done_ms) AS mttr_ms, date_part('epoch', max(lost_at) - min(lost_at)) / nullif(count(*) - 1, 0) AS mtbf_s FROM recoveries GROUP BY 1; -- MTTR?
SELECT policy, avg(passed * 1.0 / tasks) AS passed, avg(parked * 1.0 / tasks) AS parked, count(*) n FROM executions GROUP BY 1; -- did the new policy help?
SELECT date_bin(INTERVAL '1 hour', ready_at) AS hour, count(*) n, count(*) FILTER (WHERE outcome <> 'passed') bad FROM attempts GROUP BY 1 ORDER BY n; -- load?
