//! What is printed about a file, beside what should be.

use flow::{Format, parse, render};

/// Checks what is printed about a flow file, `f.yaml`.
#[track_caller]
pub fn flow(text: &str, want: &str) {
    check("f.yaml", text, Format::Yaml, want);
}

/// Checks what is printed about a flow file, `f.json`.
#[track_caller]
pub fn json(text: &str, want: &str) {
    check("f.json", text, Format::Json, want);
}

/// Checks what is printed about a policy file, `policy.yaml`.
#[track_caller]
pub fn policy(text: &str, want: &str) {
    let mistakes = flow::policy::parse(text.as_bytes()).err().unwrap_or_default();
    same(&render(&mistakes, "policy.yaml", text), want);
}

#[track_caller]
fn check(name: &str, text: &str, format: Format, want: &str) {
    let mistakes = match parse(name, text.as_bytes(), format) {
        Ok(checked) => checked.warnings,
        Err(mistakes) => mistakes,
    };
    same(&render(&mistakes, name, text), want);
}

#[track_caller]
fn same(got: &str, want: &str) {
    assert!(got == want, "printed:\n{got}\nbut should be:\n{want}");
}
