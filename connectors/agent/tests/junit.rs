//! Result files of real test runners, and of people who mean no good.

use std::path::PathBuf;

use agent::junit::{MAX_CASES, read};
use model::report::{Case, CaseResult};

/// Passed, failed, skipped and flaky cases of each file; or why it is none.
type Want = Result<[usize; 4], &'static str>;

#[test]
fn files_of_real_runners_read_as_they_were_meant() {
    let table: [(&str, Want); 12] = [
        ("pytest-retried.xml", Ok([2, 0, 0, 1])),
        ("pytest-failed-later.xml", Ok([1, 2, 0, 0])),
        ("surefire-flaky.xml", Ok([0, 0, 0, 1])),
        ("flaky-failure.xml", Ok([2, 0, 0, 1])),
        ("nextest.xml", Ok([2, 1, 0, 0])),
        ("cgreen-disabled.xml", Ok([6, 6, 10, 0])),
        ("web-test-runner-times.xml", Ok([4, 1, 1, 1])),
        ("nested.xml", Ok([2, 3, 0, 0])),
        ("jest.xml", Ok([1, 4, 1, 0])),
        ("phpunit.xml", Ok([0, 6, 0, 0])),
        (
            "surefire-cut.xml",
            Err("not JUnit, line 18: syntax error: CDATA not closed: `]]>` not found before end of input"),
        ),
        ("dotnet.trx", Err("not JUnit, line 2: its root is `TestRun`, not `testsuites` or `testsuite`")),
    ];
    for (file, want) in table {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/junit").join(file);
        let found = read(&std::fs::read(&path).unwrap());
        let found = found.map(|cases| counts(&cases)).map_err(|e| e.to_string());
        assert_eq!(found, want.map_err(str::to_owned), "{file}");
    }
}

#[test]
fn a_case_has_its_suite_or_class_its_length_and_the_message_of_its_failure() {
    let text = r#"<testsuites><testsuite name="Cart">
        <testcase name="adds" time="1,024.5"/>
        <testcase classname="cart.Test" name="keeps &lt;all&gt;" time="0.412"><failure message="a&amp;b" type="T">at 1</failure></testcase>
        <testcase name="breaks"><error type="E">
            thread &apos;main&apos; panicked: 1 &lt; 2 &#8364; &odd; <![CDATA[<raw> ]]&gt;]]>
            second line</error></testcase>
      </testsuite></testsuites>"#;
    let cases = read(text.as_bytes()).unwrap();
    let row = |case: &Case| (case.suite.clone(), case.test.clone(), case.ms.0, case.message.clone());
    let rows: Vec<_> = cases.iter().map(row).collect();
    let want = |suite: &str, test: &str, ms, message: &str| (suite.to_owned(), test.to_owned(), ms, message.to_owned());
    assert_eq!(rows[0], want("Cart", "adds", 1_024_500, ""));
    assert_eq!(rows[1], want("cart.Test", "keeps <all>", 412, "a&b"));
    assert_eq!(rows[2].1, "breaks");
    assert_eq!(rows[2].3.lines().next(), Some("thread 'main' panicked: 1 < 2 € &odd; <raw> ]]&gt;"));
}

#[test]
fn only_a_later_pass_of_the_same_test_in_the_same_suite_heals_a_failure() {
    for (cases, want) in [
        ("F.", [0, 0, 0, 1]),
        ("FFF.", [0, 0, 0, 1]),
        (".F", [1, 1, 0, 0]),
        ("F.F", [0, 1, 0, 1]),
        ("Fs", [0, 1, 1, 0]),
        ("Fo", [1, 1, 0, 0]), // `o`: another class has one of the same name that passes
    ] {
        let one = |c| match c {
            'F' => r#"<testcase classname="a" name="t"><failure/></testcase>"#,
            's' => r#"<testcase classname="a" name="t"><skipped/></testcase>"#,
            'o' => r#"<testcase classname="b" name="t"/>"#,
            _ => r#"<testcase classname="a" name="t"/>"#,
        };
        let text = format!("<testsuite>{}</testsuite>", cases.chars().map(one).collect::<String>());
        assert_eq!(counts(&read(text.as_bytes()).unwrap()), want, "{cases}");
    }
    let apart = r#"<testsuites><testsuite><testcase name="t"><failure/></testcase></testsuite>
        <testsuite><testcase name="t"/></testsuite></testsuites>"#;
    assert_eq!(counts(&read(apart.as_bytes()).unwrap()), [1, 1, 0, 0], "suites are apart");
}

#[test]
fn bytes_that_are_no_text_and_a_byte_order_mark_do_not_spoil_a_file() {
    let cases =
        read(b"\xEF\xBB\xBF<?xml version=\"1.0\"?><testsuite><testcase name=\"caf\xE9\"/></testsuite>").unwrap();
    assert_eq!(cases[0].test, "caf\u{FFFD}");
}

#[test]
fn what_is_too_much_or_too_deep_or_cut_is_refused_with_its_line() {
    let many = format!("<testsuite>\n{}</testsuite>", "<testcase/>".repeat(MAX_CASES + 1));
    let deep = "<testsuite>".repeat(1_000_000);
    let reruns = format!("<testsuite><testcase>{}</testcase></testsuite>", "<rerunError/>".repeat(200_000));
    for (text, want) in [
        ("", "not JUnit: the file is empty"),
        ("  \n", "not JUnit: the file is empty"),
        ("no XML at all", "not JUnit: the file is empty"),
        ("<testsuite>\n<testcase>", "not JUnit, line 2: the file ends in the middle"),
        ("<testsuite>\n<testcase></testsuite>", "not JUnit, line 2: "),
        ("<testsuite>\n<testcase name='a' name='b'/></testsuite>", "not JUnit, line 2: "),
        (&many, "not JUnit, line 2: more than 100000 cases in one file"),
        (&deep, "not JUnit, line 1: elements lie more than 64 deep in each other"),
        (&reruns, "not JUnit, line 1: more than 100000 suites and reruns in one file"),
    ] {
        let why = read(text.as_bytes()).unwrap_err().to_string();
        assert!(why.starts_with(want), "{why} instead of {want}");
    }
}

#[test]
fn no_cut_and_no_flipped_byte_of_a_file_makes_the_reader_panic() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/junit/surefire-flaky.xml");
    let bytes = std::fs::read(file).unwrap();
    for at in 0..bytes.len() {
        let _ = read(&bytes[..at]);
        for other in [0, b'<', b'>', b'&', b'"', 0xFF] {
            let mut bytes = bytes.clone();
            bytes[at] = other;
            let _ = read(&bytes);
        }
    }
}

fn counts(cases: &[Case]) -> [usize; 4] {
    let kinds = [CaseResult::Passed, CaseResult::Failed, CaseResult::Skipped, CaseResult::Flaky];
    kinds.map(|kind| cases.iter().filter(|case| case.result == kind).count())
}
