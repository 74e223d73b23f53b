//! Answers on a terminal, and as files.

use std::io::{self, Write};

use ::rows::{Kind, Table};
use ::sql::output::{ArrowError, RecordBatch, SchemaRef, Writer, cells, leans_right};
use ::sql::views::VIEWS;
use ::sql::{Answer, Mistake, Session};

use super::{Of, failure};
use crate::args::Form;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen;
use crate::words::{counted, one_line};

/// Most rows that are shown as a table: its columns are as wide as the widest of them.
const MAX_ROWS: usize = 10_000;

/// The columns of EXPLAIN's answer: a plan keeps its lines.
const PLAN: [&str; 2] = ["plan_type", "plan"];

/// Why an answer could not be printed.
pub enum Unprinted {
    /// The statement failed while it ran.
    Mistake(Mistake),
    /// The output could not be made.
    Output(String),
}

impl Unprinted {
    /// As a failure of a statement.
    pub fn told(self, of: Of<'_>) -> Failure {
        match self {
            Self::Mistake(mistake) => failure(&mistake, Some(of)),
            Self::Output(why) => Failure::new(Exit::Machine, format!("the answer cannot be written: {why}")),
        }
    }
}

impl From<Mistake> for Unprinted {
    fn from(mistake: Mistake) -> Self {
        Self::Mistake(mistake)
    }
}

/// Prints an answer as its rows come.
pub async fn answer(answer: &mut Answer, form: Form) -> Result<(), Unprinted> {
    let no = |error: &dyn std::fmt::Display| Unprinted::Output(error.to_string());
    let mut writer = match form {
        Form::Text => return table(answer).await,
        Form::Csv => Writer::csv(Screen),
        Form::Json => Writer::json(Screen),
        Form::Parquet => Writer::parquet(Screen, answer.schema.clone()).map_err(|error| no(&error))?,
    };
    let mut any = false;
    while let Some(batch) = answer.next().await? {
        any = true;
        writer.write(&batch).map_err(|error| no(&error))?;
        if screen::is_broken() {
            return Ok(());
        }
    }
    if !any {
        // The names of the columns stand above no rows, too.
        writer.write(&answer.nothing()).map_err(|error| no(&error))?;
    }
    writer.finish().map_err(|error| no(&error))
}

/// Rows as a table.
pub fn rows(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<String, ArrowError> {
    Ok(table_of(schema, &cells(batches)?))
}

fn table_of(schema: &SchemaRef, rows: &[Vec<String>]) -> String {
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    if names == PLAN {
        return rows.iter().map(|row| format!("{}\n", row.join("\n").trim_end())).collect();
    }
    let right: Vec<bool> = schema.fields().iter().map(|field| leans_right(field)).collect();
    grid(&names, &right, rows)
}

async fn table(answer: &mut Answer) -> Result<(), Unprinted> {
    let (mut rows, mut more) = (Vec::new(), false);
    while let Some(batch) = answer.next().await? {
        rows.extend(cells(&[batch]).map_err(|error| Unprinted::Output(error.to_string()))?);
        if rows.len() > MAX_ROWS {
            rows.truncate(MAX_ROWS);
            more = true;
            break;
        }
    }
    screen::show(&table_of(&answer.schema, &rows));
    let count = counted(rows.len() as u64, "row");
    screen::line(&match more {
        true => format!("({count} of more: add a LIMIT, or write all of them with --output csv)"),
        false => format!("({count})"),
    });
    Ok(())
}

/// Columns beside each other, numbers to the right, each row on a line of its own whatever its cells hold.
fn grid(names: &[String], right: &[bool], rows: &[Vec<String>]) -> String {
    let mut width: Vec<usize> = names.iter().map(|name| name.chars().count()).collect();
    for row in rows {
        for (width, cell) in width.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&width).zip(right).map(|((cell, width), right)| {
            let cell = one_line(cell);
            // By hand: a format's width has a bound, a cell has none.
            let room = " ".repeat(width.saturating_sub(cell.chars().count()));
            if *right { room + &cell } else { cell + &room }
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    std::iter::once(line(names)).chain(rows.iter().map(|row| line(row))).collect()
}

/// What there is to ask, or one table's columns, in words.
pub fn described(name: Option<&str>) -> Result<String, Failure> {
    let Some(name) = name else {
        let tables = Table::ALL.into_iter().flat_map(|table| {
            let history = table.stands_for().map(|_| {
                let all = format!("All rows of {}: how each stood, and from when on.", table.name());
                vec![format!("{}{}", table.name(), ::sql::session::HISTORY), all]
            });
            [vec![table.name().to_owned(), table.doc().to_owned()]].into_iter().chain(history)
        });
        let views = VIEWS.iter().map(|view| [view.name.to_owned(), format!("view: {}", view.doc)].to_vec());
        let why = ["why('TASK')".to_owned(), "A task's attempts and what was decided after each.".to_owned()].to_vec();
        let rows: Vec<Vec<String>> = tables.chain(views).chain([why]).collect();
        return Ok(grid(&["name".to_owned(), "what it holds".to_owned()], &[false, false], &rows));
    };
    if name == "why" {
        return Ok("why('EXECUTION/TASK'), why('TASK') for the newest execution that has it: a task's attempts in order, and what was \
                   decided after each. Its columns: SELECT * FROM why('TASK') LIMIT 0\n".to_owned());
    }
    if let Some(view) = ::sql::views::named(name) {
        return Ok(format!("{}\n\n{}\n", view.doc, view.sql.trim_end()));
    }
    let bare = name.strip_suffix(::sql::session::HISTORY).unwrap_or(name);
    let Some(table) = Table::named(bare) else {
        let known = Session::names().join(", ");
        return Err(Failure::new(Exit::NotFound, format!("there is no table `{name}`; there are {known}")));
    };
    let names = ["column", "type", "what it means"].map(str::to_owned);
    let rows: Vec<Vec<String>> = table
        .columns()
        .into_iter()
        .map(|column| vec![column.name.to_owned(), type_of(column.kind).to_owned(), column.doc.to_owned()])
        .collect();
    Ok(format!("{}\n\n{}", table.doc(), grid(&names, &[false; 3], &rows)))
}

fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Word | Kind::Prose => "text",
        Kind::Int => "bigint",
        Kind::Flag => "boolean",
        Kind::Time => "timestamptz",
    }
}

/// Standard output, as all commands write to it.
struct Screen;

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        screen::bytes(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_under_each_other_and_words_begin_together() {
        let names = ["node", "n"].map(str::to_owned);
        let rows = [vec!["n1".to_owned(), "7".to_owned()], vec!["node-12".to_owned(), "1200".to_owned()]];
        insta::assert_snapshot!(grid(&names, &[false, true], &rows), @r"
        node        n
        n1          7
        node-12  1200
        ");
    }

    #[test]
    fn a_cell_of_several_lines_stands_in_one_and_a_plan_keeps_its_own() {
        let names = ["node", "message"].map(str::to_owned);
        let rows = [["n1", "expected\n  7"], ["n2", ""]].map(|row| row.map(str::to_owned).to_vec());
        insta::assert_snapshot!(grid(&names, &[false; 2], &rows), @r"
        node  message
        n1    expected   7
        n2
        ");
    }

    #[test]
    fn each_table_and_view_is_described_and_what_is_none_is_said_with_what_there_is() {
        for name in Session::names() {
            assert!(described(Some(&name)).unwrap().lines().count() > 2, "{name}");
        }
        let listed = described(None).unwrap();
        assert!(listed.contains("attempts") && listed.contains("view: "), "{listed}");
        assert_eq!(described(Some("evnts")).unwrap_err().exit, Exit::NotFound);
    }
}
