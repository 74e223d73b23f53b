//! Questions over a recorded journal: the 24 that people ask most, the views and functions, what is refused and why, and
//! the same questions put to another tool that reads the same files.

#![expect(clippy::unwrap_used, reason = "all of this is tests: what fails to unwrap fails the test")]

mod bounds;
mod damage;
mod duckdb;
mod moments;
mod refused;
mod tables_page;

use questions::driver;

#[tokio::test]
async fn each_of_the_24_questions_has_its_answer() {
    assert_eq!(driver::files(".").len(), 24);
    driver::run(".").await;
}

#[tokio::test]
async fn each_view_has_its_answer() {
    let name = |path: &std::path::PathBuf| path.file_stem().map(|name| name.to_string_lossy().into_owned());
    let mut views = sql::views::VIEWS.map(|view| Some(view.name.to_owned()));
    views.sort_unstable();
    assert_eq!(driver::files("views").iter().map(name).collect::<Vec<_>>(), views);
    driver::run("views").await;
}

#[tokio::test]
async fn ago_why_and_times_mean_what_people_take_them_for() {
    driver::run("functions").await;
}

#[tokio::test]
async fn what_there_is_can_be_asked_for() {
    driver::run("shown").await;
}
