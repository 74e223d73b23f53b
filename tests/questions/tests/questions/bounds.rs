//! A statement that takes more than it may, or longer, is ended with words that say so, and the next one runs.

use std::time::Duration;

use sql::mistake::Whose;
use sql::{Bounds, Mistake, Session};

use questions::stage::stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_takes_too_much_memory_ends_and_the_next_one_runs() {
    let stage = stage().await;
    let bounds = Bounds { memory_bytes: 1 << 20, disk_bytes: 0, ..Bounds::default() };
    let session = stage.session_with(bounds, stage.now);
    for text in [
        "SELECT detail, count(*) FROM events GROUP BY 1",
        "SELECT * FROM events ORDER BY detail",
        "SELECT a.detail FROM events a JOIN events b USING (detail)",
    ] {
        let mistake = ends(&session, text).await;
        assert_eq!(mistake.whose, Whose::Bounds, "{mistake}");
        assert_eq!(mistake.hint, "ask for fewer rows or columns, or give it more with --memory");
        assert_eq!(count(&session).await, 14_363);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_may_use_the_disk_goes_on_there() {
    let stage = stage().await;
    let session = stage.session_with(Bounds { memory_bytes: 8 << 20, ..Bounds::default() }, stage.now);
    // Some 30 MB of text.
    let text = "SELECT detail FROM events, (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) ORDER BY detail";
    let answer = session.run(text).await.unwrap().collect().await.unwrap();
    assert_eq!(answer.iter().map(|batch| batch.num_rows()).sum::<usize>(), 143_630);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_ends_and_the_next_one_runs_on_one_thread() {
    times_out().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_takes_too_long_ends_and_the_next_one_runs_on_two_threads() {
    times_out().await;
}

async fn times_out() {
    let stage = stage().await;
    let bounds = Bounds { time: Duration::from_millis(200), ..Bounds::default() };
    let (bounded, free) = (stage.session_with(bounds, stage.now), stage.session());
    for text in [
        // Neither takes much memory, or that bound would be met first.
        "SELECT sum(value) FROM generate_series(1, 100000000000)",
        "SELECT count(*) FROM events, generate_series(1, 100000000000) WHERE (position + value) % 7 = 1",
    ] {
        let mistake = ends(&bounded, text).await;
        assert_eq!(mistake.whose, Whose::Bounds, "{mistake}");
        assert_eq!(
            mistake.to_string(),
            "the statement was ended after 0.2 s; ask about less time, or give it longer with --timeout"
        );
        assert_eq!(count(&free).await, 14_363);
    }
}

async fn ends(session: &Session, text: &str) -> Mistake {
    match session.run(text).await {
        Err(mistake) => mistake,
        Ok(mut answer) => loop {
            match answer.next().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{text} has an answer"),
                Err(mistake) => break mistake,
            }
        },
    }
}

async fn count(session: &Session) -> u64 {
    let mut answer = session.run("SELECT count(*) FROM events").await.unwrap();
    questions::driver::cells(&answer.collect().await.unwrap())[0][0].parse().unwrap()
}
