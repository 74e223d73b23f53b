//! `analytics/TABLES.md` says what the tables and views say of themselves. `UPDATE=1` in the environment writes it.

use std::fmt::Write;
use std::path::Path;

use rows::{Column, Kind, Table, tables};
use sql::session::HISTORY;
use sql::views::VIEWS;

use questions::driver::updates;

#[test]
fn the_page_of_the_tables_says_what_the_tables_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../analytics/TABLES.md");
    let page = page();
    if updates() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = page.lines().zip(written.lines()).position(|(made, written)| made != written);
    assert!(
        written == page,
        "line {differs:?} differs; UPDATE=1 cargo test --workspace --test questions writes the page"
    );
}

fn page() -> String {
    let mut page = String::from(
        "# Tables\n\n\
         What `reprise sql` reads, and any other tool in the tables' folder, where each is a Delta table of that name. Made from\n\
         the code by `UPDATE=1 cargo test --workspace --test questions`; columns are only ever added.\n\n\
         A `timestamptz` is UTC. What ends in `_ms` is a length of time in milliseconds. Where \"or nothing\" stands, a column may\n\
         be NULL.\n\n\
         In `reprise sql` a time without a zone is UTC, also what `::timestamp` makes of one that has another. `AT TIME ZONE` gives\n\
         the same time in another zone, which is shown with its distance from UTC, as in `2026-03-14T05:24:43.680-04:00`; and\n\
         what stands without a zone is taken by that zone's clock. By that clock also go `date_trunc`, `date_part`, `to_char`,\n\
         `::date`, `::time` and `to_local_time`, which gives its time without a zone; `date_bin` counts in UTC. Patterns of\n\
         `to_char` are those of strftime: `'%Y-%m-%d %H:%M'`.\n\n\
         Integers wrap around beyond 64 bits, and a cast to one cuts off: `12.7::int` is 12. Of a length of time `date_part('epoch', …)` is exact to a second, and `hour` and\n\
         `minute` count all of it.\n\n\
         Text that is JSON, as `detail` of `events` is, is asked into with paths: `detail->>'outcome'` is text,\n\
         `detail->'end'->>'exit'` goes further in, and `(detail->>'attempt')::int` is a number. What is not there is NULL; a key below zero,\n\
         which counts from the end, stands in brackets: `x->(-1)->>'id'`. Beside\n\
         these there are `json_get_str`, `json_get_int`, `json_get_float`, `json_get_bool`, `json_get_array`, `json_contains`,\n\
         `json_length` and `json_object_keys`, each of a text and the names or numbers on the way in: `json_get_int(detail, 'at', 't')`.\n",
    );
    for table in Table::ALL {
        write_table(&mut page, table);
    }
    page += "\n## In every table\n\nWhat a row was made of, in the columns at the end.\n\n";
    write_columns(&mut page, Table::Events.columns().into_iter().filter(is_origin));
    page += "\n## Views\n";
    for view in VIEWS {
        write!(page, "\n### `{}`\n\n{}\n\n```sql\n{}\n```\n", view.name, view.doc, view.sql.trim_end())
            .expect("memory takes it");
    }
    page
}

fn write_table(page: &mut String, table: Table) {
    let name = table.name();
    write!(page, "\n## `{name}`\n\n{}", table.doc()).expect("memory takes it");
    if let Some(key) = table.stands_for() {
        let key = key.iter().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ");
        write!(page, " The newest row of each {key}; all of them are in `{name}{HISTORY}`, and for other tools\nin the folder `{name}`.").expect("memory takes it");
    }
    let (time, known_at) = (table.time(), table.known_at());
    write!(page, "\nIts files lie by the day of `{time}`").expect("memory takes it");
    let since = if known_at == time { String::new() } else { format!("; a row is known since its `{known_at}`") };
    write!(page, "{since}.\n\n").expect("memory takes it");
    write_columns(page, table.columns().into_iter().filter(|column| !is_origin(column)));
}

fn write_columns(page: &mut String, columns: impl Iterator<Item = Column>) {
    page.push_str("| column | type | what it holds |\n|---|---|---|\n");
    for Column { name, kind, nullable, doc } in columns {
        let nothing = if nullable { " or nothing" } else { "" };
        let doc = doc.replace('|', "\\|");
        writeln!(page, "| `{name}` | {}{nothing} | {doc} |", word(kind)).expect("memory takes it");
    }
}

fn is_origin(column: &Column) -> bool {
    tables::ORIGIN.contains(&column.name)
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Word | Kind::Prose => "text",
        Kind::Int => "bigint",
        Kind::Flag => "boolean",
        Kind::Time => "timestamptz",
    }
}
