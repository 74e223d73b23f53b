//! Functions that fit on a screen, and tests whose names are sentences.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::tree::File;

/// Most lines of a function, from its signature to its closing brace.
pub const MAX_LINES: usize = 70;

/// Functions that are too long.
pub fn too_long(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for (file, function) in files.iter().flat_map(functions) {
        if function.lines > MAX_LINES {
            findings.push(format!(
                "{}:{}: `{}` has {} lines, {MAX_LINES} may be; split it",
                file.path, function.line, function.name, function.lines
            ));
        }
    }
    findings
}

/// Tests whose names say that they are tests, not what holds.
pub fn no_sentence(files: &[File]) -> Vec<String> {
    let mut findings = Vec::new();
    for (file, function) in files.iter().flat_map(functions) {
        let words = function.name.split('_').count();
        let empty = ["test_", "should_", "it_should_"].iter().any(|start| function.name.starts_with(start));
        if function.is_test && (empty || words < 2) {
            let place = format!("{}:{}", file.path, function.line);
            findings.push(format!("{place}: `{}`; name the test by a sentence that says what holds", function.name));
        }
    }
    findings
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
    is_test: bool,
}

/// The functions of a file. What does not parse is the compiler's to say.
fn functions(file: &File) -> impl Iterator<Item = (&File, Function)> {
    let mut found = Found(Vec::new());
    if let Ok(parsed) = syn::parse_file(&file.text) {
        found.visit_file(&parsed);
    }
    found.0.into_iter().map(move |function| (file, function))
}

struct Found(Vec<Function>);

impl Found {
    fn push(&mut self, attributes: &[syn::Attribute], signature: &syn::Signature, body: &syn::Block) {
        let line = signature.span().start().line;
        let lines = body.span().end().line + 1 - line;
        let is_test = attributes
            .iter()
            .any(|attribute| attribute.path().segments.last().is_some_and(|segment| segment.ident == "test"));
        self.0.push(Function { name: signature.ident.to_string(), line, lines, is_test });
    }
}

impl<'a> Visit<'a> for Found {
    fn visit_item_fn(&mut self, function: &'a syn::ItemFn) {
        self.push(&function.attrs, &function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        self.push(&function.attrs, &function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'a syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.push(&function.attrs, &function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::assert_tidy, tree::rust_files};

    #[test]
    fn no_function_is_longer_than_70_lines() {
        assert_tidy(&too_long(&rust_files()));
    }

    #[test]
    fn the_names_of_tests_are_sentences() {
        assert_tidy(&no_sentence(&rust_files()));
    }

    #[test]
    fn long_functions_are_found_wherever_they_stand() {
        let body = |lines: usize| "\n".repeat(lines - 1);
        let text = format!(
            "fn a() {{{}}}\nimpl A {{ fn b() {{{}}} }}\ntrait B {{ fn c(); fn d() {{{}}} }}\nfn e() {{{}}}\n",
            body(71),
            body(71),
            body(71),
            body(70)
        );
        let found = too_long(&[File::new("a.rs", &text)]);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[1].starts_with("a.rs:72: `b` has 71 lines"), "{found:?}");
    }

    #[test]
    fn a_test_without_a_sentence_is_found() {
        let text = "#[test]\nfn test_that_it_works() {}\n#[tokio::test]\nasync fn works() {}\nfn speed() {}\n";
        assert_eq!(no_sentence(&[File::new("a.rs", text)]).len(), 2);
    }
}
