//! Result files: found by globs, read once the command has ended by itself.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use model::report::{CaseResult, Cause, Tests};

use crate::stage::{Left, Stage};

crate::tests![
    fresh_result_files_are_counted_and_stale_ones_are_not,
    what_cannot_be_read_is_named_and_the_rest_counts,
    no_result_file_is_said_and_none_is_read_when_the_command_was_ended,
];

const GOOD: &str = r#"<testsuite name="Cart"><testcase name="keeps_items" time="0.412"><failure message="TimeoutError"/>
</testcase><testcase name="adds"/><testcase name="later"><skipped/></testcase></testsuite>"#;

fn sh(script: &str, results: &[&str]) -> Stage {
    let results = results.iter().map(|glob| (*glob).to_owned()).collect();
    Stage::new(["sh", "-c", script].map(String::from).into()).with(|spec| spec.start.results = results)
}

fn tests(left: &Left) -> Tests {
    left.end.tests.unwrap()
}

fn fresh_result_files_are_counted_and_stale_ones_are_not() {
    let script = format!(
        "mkdir -p out/a/b; echo '{GOOD}' > out/1.xml; touch -d yesterday out/1.xml; cp -p out/1.xml out/a/b/2.xml; \
         cp out/1.xml out/3.txt; exit 1"
    );
    let stage = sh(&script, &["out/**/*.xml", "out/*.xml"]);
    let old = stage.work("out/old.xml");
    std::fs::create_dir(stage.work("out")).unwrap();
    leave_before(&old);
    let left = stage.run();
    left.expect(Cause::Exit, Some(1), None);
    assert_eq!(tests(&left), Tests { files: 2, total: 6, failed: 2, skipped: 2, flaky: 0 });
    assert_eq!(left.end.note, "");
    let case = &left.outcome.cases[0];
    assert_eq!((case.suite.as_str(), case.test.as_str(), case.ms.0), ("Cart", "keeps_items", 412));
    assert_eq!((case.result, case.message.as_str()), (CaseResult::Failed, "TimeoutError"));

    let stage = sh("true", &["*.xml"]);
    leave_before(&stage.work("old.xml"));
    let left = stage.run();
    assert_eq!(tests(&left), Tests::default());
    assert_eq!(left.end.note, "only result files of an earlier run match *.xml: 1");
}

/// Leaves a result file, and waits until the file system's clock has gone on.
fn leave_before(file: &Path) {
    std::fs::write(file, GOOD).unwrap();
    let changed = |metadata: Metadata| (metadata.ctime(), metadata.ctime_nsec());
    let left = changed(std::fs::metadata(file).unwrap());
    while changed(tempfile::tempfile_in(file.parent().unwrap()).unwrap().metadata().unwrap()) <= left {}
}

fn what_cannot_be_read_is_named_and_the_rest_counts() {
    let left = sh(&format!("echo '{GOOD}' > good.xml; printf '<testsuite>\n<testcase' > bad.xml"), &["*.xml"]).run();
    assert_eq!(tests(&left), Tests { files: 1, total: 3, failed: 1, skipped: 1, flaky: 0 });
    assert!(left.end.note.starts_with("bad.xml: not JUnit, line 2: "), "{}", left.end.note);
}

fn no_result_file_is_said_and_none_is_read_when_the_command_was_ended() {
    let left = sh("true", &["out/*.xml"]).run();
    assert_eq!(tests(&left), Tests::default());
    assert!(left.end.note.starts_with("no result file matches out/*.xml in /"), "{}", left.end.note);

    let mut show = sh(&format!("echo '{GOOD}' > good.xml; echo ready; sleep 3600"), &["*.xml"]).start();
    show.until_printed("ready");
    show.cancel(0);
    let left = show.end();
    left.expect(Cause::Cancel, None, Some(9));
    assert_eq!((left.end.tests, left.outcome.cases.len()), (None, 0));
}
