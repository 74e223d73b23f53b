//! A question is asked in a moment: of what comes later it knows nothing. And moments are UTC, wherever the process runs.

use std::process::Command;

use model::Timestamp;
use sql::Bounds;

use questions::driver::cells;
use questions::stage::stage;

/// 2026-03-03T02:05:00Z: the third night has begun.
const THIRD_NIGHT: Timestamp = Timestamp(1_772_503_500_000);

#[tokio::test]
async fn an_earlier_moment_sees_what_was_known_then() {
    let stage = stage().await;
    let then = stage.session_with(Bounds::default(), THIRD_NIGHT);
    let mut answer = then
        .run(
            "SELECT (SELECT count(*) FROM events WHERE ts > now()) AS later, \
             (SELECT max(date_bin(INTERVAL '1 day', ts)) FROM events) AS day, \
             (SELECT count(*) FROM executions WHERE state = 'running') AS running, \
             (SELECT count(*) FROM executions WHERE submitted_at > ago('1h')) AS started, now() AS now",
        )
        .await
        .unwrap();
    let row = cells(&answer.collect().await.unwrap()).concat();
    assert_eq!(row, ["0", "2026-03-03T00:00:00.000Z", "2", "4", "2026-03-03T02:05:00.000Z"]);
}

#[test]
fn times_are_utc_wherever_the_process_runs() {
    for zone in ["America/New_York", "Asia/Kolkata", "UTC"] {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again
            .args(["--exact", "ago_why_and_times_mean_what_people_take_them_for"])
            .env("TZ", zone)
            .env_remove("UPDATE");
        let output = again.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "in {zone}:\n{said}");
    }
}

#[tokio::test]
async fn why_knows_the_tasks_of_one_pool_as_the_other_commands_do() {
    let stage = stage().await;
    let count = async |pool: &str, text: &str| {
        let session = stage.session_of(pool, Bounds::default(), stage.now);
        cells(&session.run(text).await.unwrap().collect().await.unwrap()).concat().concat()
    };
    let task = count("perf", "SELECT min(task_id) FROM attempts WHERE pool = 'perf'").await;
    let why = format!("SELECT count(*) > 0 FROM why('{task}')");
    assert_eq!([count("perf", &why).await, count("default", &why).await], ["true", "false"], "{task}");
}
