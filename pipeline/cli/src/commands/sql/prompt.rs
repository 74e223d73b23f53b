//! The prompt: statements over several lines, a history that stays, completion of tables, columns and words.

use std::borrow::Cow;
use std::ops::ControlFlow;

use ::rows::Table;
use ::sql::Session;
use ::sql::split::split;
use reedline::{
    ColumnarMenu, DefaultCompleter, Emacs, FileBackedHistory, KeyCode, KeyModifiers, MenuBuilder, Prompt,
    PromptEditMode, PromptHistorySearch, Reedline, ReedlineEvent, ReedlineMenu, Signal, ValidationResult, Validator,
    default_emacs_keybindings,
};

use super::Asks;
use crate::api;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen;

/// Statements that the history keeps.
const HISTORY: usize = 1_000;
/// The name of the completion's menu.
const MENU: &str = "completion";
/// Words that are completed beside names.
const WORDS: &str = "SELECT FROM WHERE GROUP ORDER BY HAVING LIMIT JOIN LEFT USING COUNT DISTINCT FILTER INTERVAL BETWEEN \
                     IS NULL NOT AND OR IN LIKE AS DESC ASC CASE WHEN THEN ELSE END EXPLAIN SHOW DESCRIBE date_bin ago \
                     approx_percentile_cont avg sum min max why json_get_str json_get_int json_get_float json_get_bool \
                     json_get_array json_contains json_length json_object_keys";

/// Asks until `\q` or Ctrl-D.
pub(super) async fn prompt(asks: Asks) -> Result<Exit, Failure> {
    screen::line("reprise sql: statements end with a semicolon; \\d lists tables, \\d NAME one's columns, \\q leaves");
    let mut editor = editor()?;
    loop {
        // The editor waits for keys on a thread of its own, and so holds up no work of a statement that was given up.
        let (back, read) = tokio::task::spawn_blocking(move || {
            let read = editor.read_line(&Mark);
            (editor, read)
        })
        .await
        .map_err(|error| Failure::new(Exit::Bug, format!("the prompt has ended: {error}")))?;
        editor = back;
        match read {
            Ok(Signal::Success(text)) => {
                // The statement may take the whole process down with it.
                if let Err(error) = editor.sync_history() {
                    screen::warn(&format!("what is typed is not remembered: {error}"));
                }
                match asks.all(&text).await {
                    Ok(ControlFlow::Continue(())) => {}
                    Ok(ControlFlow::Break(())) => return Ok(Exit::Done),
                    // A mistake ends what was typed, not the prompt.
                    Err(failure) => screen::warn(&failure.message),
                }
            }
            // What was typed so far is dropped, as a shell does it.
            Ok(Signal::CtrlC) => {}
            Ok(Signal::CtrlD) => return Ok(Exit::Done),
            Ok(_other) => {}
            Err(error) => {
                return Err(Failure::new(Exit::Machine, format!("this terminal cannot be read: {error}")));
            }
        }
    }
}

fn editor() -> Result<Reedline, Failure> {
    let mut completer = DefaultCompleter::with_inclusions(&['_', '\\']).set_min_word_len(1);
    completer.insert(words());
    let menu = ColumnarMenu::default().with_name(MENU);
    let mut keys = default_emacs_keybindings();
    let complete = ReedlineEvent::UntilFound(vec![ReedlineEvent::Menu(MENU.to_owned()), ReedlineEvent::MenuNext]);
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, complete);
    let mut editor = Reedline::create()
        .with_validator(Box::new(Whole))
        .with_completer(Box::new(completer))
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
        .with_edit_mode(Box::new(Emacs::new(keys)));
    // A history that cannot be kept is no reason to ask nothing.
    match FileBackedHistory::with_file(HISTORY, api::state()?.join("sql-history")) {
        Ok(history) => editor = editor.with_history(Box::new(history)),
        Err(error) => screen::warn(&format!("what is typed is not remembered: {error}")),
    }
    Ok(editor)
}

/// All that Tab completes.
fn words() -> Vec<String> {
    let columns = Table::ALL.into_iter().flat_map(Table::columns).map(|column| column.name.to_owned());
    let mut words: Vec<String> =
        WORDS.split_whitespace().map(str::to_owned).chain(Session::names()).chain(columns).collect();
    words.sort();
    words.dedup();
    words
}

/// A statement is whole with its semicolon.
struct Whole;

impl Validator for Whole {
    fn validate(&self, text: &str) -> ValidationResult {
        if split(text).is_whole { ValidationResult::Complete } else { ValidationResult::Incomplete }
    }
}

/// What stands before the cursor.
struct Mark;

impl Prompt for Mark {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        "reprise".into()
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        "> ".into()
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        "      -> ".into()
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        format!("(search: {}) ", search.term).into()
    }
}
