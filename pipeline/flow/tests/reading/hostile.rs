//! Files that are made to harm: they are refused, in bounded memory and without a deep stack.

use flow::{Format, MAX_FILE_BYTES, parse, render};

/// The first line of what is printed about a file that must be refused.
#[track_caller]
fn refused(text: &str) -> String {
    let mistakes = parse("f", text.as_bytes(), Format::Yaml).map(|checked| checked.head).expect_err("it is refused");
    let printed = render(&mistakes, "f", text);
    assert!(printed.len() < 20_000, "{} bytes are printed", printed.len());
    printed.lines().next().expect("a mistake is printed").to_owned()
}

#[test]
fn aliases_of_aliases_are_counted_before_they_are_made() {
    let level = |i: u8| {
        let (name, before) = ((b'a' + i) as char, (b'a' + i - 1) as char);
        format!("{name}: &{name} [{}]\n", vec![format!("*{before}"); 10].join(", "))
    };
    let text = format!("a: &a [{}]\n{}", ["x"; 10].join(", "), (1..20).map(level).collect::<String>());
    assert_eq!(refused(&text), "f:7:8: error: aliases repeat more than 128 MiB here");
    let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), ["*a"; 1000].join(", "));
    assert_eq!(refused(&text), "f:2:509: error: aliases repeat more than 128 MiB here");
    assert_eq!(refused("a: &a [*a]\n"), "f:1:8: error: an alias inside of what it stands for");
}

#[test]
fn nesting_has_a_bound_in_every_form() {
    let n = 10_000;
    let aliases: String = (1..500).map(|i| format!("a{i}: &a{i} [[[*a{}]]]\n", i - 1)).collect();
    for (text, place) in [
        (format!("tasks: {}", "[".repeat(n)), "1:72"),
        (format!("tasks: {}", "{a: ".repeat(n)), "1:260"),
        (format!("{}x", "- ".repeat(n)), "1:129"),
        ("? ".repeat(n), "1:129"),
        ((0..n / 10).map(|i| format!("{}a:\n", " ".repeat(i))).collect(), "65:65"),
        (format!("a0: &a0 x\n{aliases}"), "23:14"),
    ] {
        assert_eq!(refused(&text), format!("f:{place}: error: more than 64 levels deep"));
    }
}

#[test]
fn long_and_many_are_refused_as_soon_as_they_are_seen() {
    let keys: String = (0..1_000_000).map(|i| format!("k{i}: x\n")).collect();
    let fields: String = (0..99_999).map(|i| format!("    k{i}: x\n")).collect();
    let typos: String = (0..30_000).map(|i| format!("  t{i}: {{ run: x, after: [u{i}, v{i}] }}\n")).collect();
    for (text, want) in [
        (keys, "f:100001:1: error: more than 100,000 entries in one map"),
        (
            format!("tasks: {{ t: {{ run: {} }} }}", "x".repeat(32 << 20)),
            "f:1:20: error: `run` is 33,554,432 bytes long",
        ),
        (format!("tasks:\n  t:\n{fields}"), "f:3:5: error: unknown field `k0`"),
        (format!("tasks:\n{typos}"), "f:2:25: error: no task `u0`"),
        (format!("[{}]", "{},".repeat(1_000_000)), "f:1:300002: error: more than 100,000 entries in one list"),
        ("\n".repeat(MAX_FILE_BYTES), "f:1:1: error: the file is empty"),
        ("x".repeat(MAX_FILE_BYTES + 1), "f: error: the file has 65 MiB"),
        (
            format!("{}: x", "k".repeat(1 << 20)),
            "f:1:1048577: error: this cannot be read: mapping values are not allowed in this context",
        ),
        (
            ":".repeat(1 << 20),
            "f:1:1048576: error: this cannot be read: mapping values are not allowed in this context",
        ),
    ] {
        assert_eq!(refused(&text), want);
    }
}

#[test]
fn values_of_all_lists_together_have_a_bound() {
    let row = format!("- [{}]\n", ["1"; 50_000].join(","));
    assert_eq!(refused(&row.repeat(81)), "f:80:99846: error: the file has more than 4,000,000 values");
}

#[test]
fn long_cycles_and_many_cycles_are_cut() {
    let ring: String = (0..100_000).map(|i| format!("  t{i}: {{ run: x, after: t{} }}\n", (i + 1) % 100_000)).collect();
    let line = refused(&format!("tasks:\n{ring}"));
    assert!(line.ends_with("t10 -> t11 -> … 99,988 more … -> t0"), "{line}");
    let pairs: String = (0..10_000).map(|i| format!("  t{i}: {{ run: x, after: t{} }}\n", i ^ 1)).collect();
    let text = format!("tasks:\n{pairs}");
    let mistakes = parse("f", text.as_bytes(), Format::Yaml).unwrap_err();
    assert_eq!((mistakes.len(), mistakes[0].message.as_str()), (1_000, "tasks wait for each other: t0 -> t1 -> t0"));
}

#[test]
fn a_long_chain_needs_no_deep_stack() {
    let chain: String =
        (0..100_000).map(|i| format!("  t{i}: {{ run: x, after: t{} }}\n", (i + 1).min(99_999))).collect();
    let text = format!("tasks:\n{}", chain.replace("t99999: { run: x, after: t99999 }", "t99999: { run: x }"));
    let checked = parse("f", text.as_bytes(), Format::Yaml).unwrap();
    assert_eq!(checked.tasks[0].id.as_str(), "t99999");
    assert_eq!(checked.tasks[0].path_ms.0, 100_000 * 60_000);
}

#[test]
fn what_is_no_text_is_refused() {
    let mistakes = parse("f", b"tasks:\n  a: \xff\n", Format::Yaml).map(|checked| checked.head).unwrap_err();
    let want = "f: error: line 2 is no UTF-8 text\n      | save the file as UTF-8\n1 error in f, nothing submitted\n";
    assert_eq!(render(&mistakes, "f", ""), want);
    assert_eq!(refused("\u{1}"), "f:1:1: error: this cannot be read: unexpected character: `\\u{1}'");
}
