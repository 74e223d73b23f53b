//! A table's columns as arrow and Delta know them: the words of each stand in the schema itself, under `comment`.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use deltalake_core::kernel::{DataType as DeltaType, MetadataValue, PrimitiveType, StructField};
use rows::{Column, Kind, Table};

/// Where a field's words stand in its metadata; other tools look there too.
pub const COMMENT: &str = "comment";
/// The column by which files lie in folders: the day of the table's time.
pub const DAY: &str = "day";

/// The schema of a table's rows.
pub fn arrow(table: Table) -> SchemaRef {
    let fields = table.columns().into_iter().map(|column| {
        let comment = HashMap::from([(COMMENT.to_owned(), column.doc.to_owned())]);
        Field::new(column.name, arrow_type(column.kind), column.nullable).with_metadata(comment)
    });
    let comment = HashMap::from([(COMMENT.to_owned(), table.doc().to_owned())]);
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), comment))
}

fn arrow_type(kind: Kind) -> DataType {
    match kind {
        Kind::Word | Kind::Prose => DataType::Utf8,
        Kind::Int => DataType::Int64,
        Kind::Flag => DataType::Boolean,
        Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    }
}

/// The columns of a table in Delta, the day last. Only what names a row is demanded there: columns that are added later are
/// not in older files.
pub fn delta(table: Table) -> Vec<StructField> {
    let day =
        Column { name: DAY, kind: Kind::Word, nullable: true, doc: "The day that its folder is named after, UTC." };
    let column = |column: Column, kind: PrimitiveType| {
        let comment = (COMMENT, MetadataValue::String(column.doc.to_owned()));
        StructField::nullable(column.name, DeltaType::Primitive(kind)).with_metadata([comment])
    };
    let columns = table.columns().into_iter().map(|of| column(of, delta_type(of.kind)));
    columns.chain([column(day, PrimitiveType::Date)]).collect()
}

fn delta_type(kind: Kind) -> PrimitiveType {
    match kind {
        Kind::Word | Kind::Prose => PrimitiveType::String,
        Kind::Int => PrimitiveType::Long,
        Kind::Flag => PrimitiveType::Boolean,
        Kind::Time => PrimitiveType::Timestamp,
    }
}
