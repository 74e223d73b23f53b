//! Columns and values: the little that a table needs to know of types. Each type that a row may hold says its column's
//! kind itself, so that a row's struct is its table's schema.

use model::{BootId, ExecutionId, FlowId, JournalId, Millis, NodeId, PolicyId, PoolId, TaskId, Timestamp};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text of which few different ones occur: names, words.
    Word,
    /// Text that is nearly always another: keys, messages.
    Prose,
    /// A whole number.
    Int,
    /// True or false.
    Flag,
    /// A point in time, UTC.
    Time,
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name: it never changes.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may hold nothing.
    pub nullable: bool,
    /// What it means, for people.
    pub doc: &'static str,
}

/// What a row holds in one column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    None,
    /// Text of either kind.
    Text(String),
    /// A whole number.
    Int(i64),
    /// True or false.
    Flag(bool),
    /// A point in time.
    Time(Timestamp),
}

impl Value {
    /// About how many bytes it takes in memory.
    pub fn bytes(&self) -> usize {
        let beyond = match self {
            Self::Text(text) => text.len(),
            Self::None | Self::Int(_) | Self::Flag(_) | Self::Time(_) => 0,
        };
        size_of::<Self>() + beyond
    }
}

/// Text that is nearly always another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prose(pub String);

/// A part of a row: one value, or several that always stand together.
pub trait Field {
    /// How many columns it has.
    const WIDTH: usize;
    /// Adds its columns; a single value takes the name and words that it is given.
    fn columns(name: &'static str, doc: &'static str, into: &mut Vec<Column>);
    /// Adds its values, in the order of the columns.
    fn values(self, into: &mut Vec<Value>);
}

/// A single value.
trait Cell {
    const KIND: Kind;
    fn value(self) -> Value;
}

macro_rules! cells {
    ($($type:ty: $kind:ident, |$it:ident| $value:expr;)*) => {$(
        impl Cell for $type {
            const KIND: Kind = Kind::$kind;
            fn value(self) -> Value {
                let $it = self;
                $value
            }
        }

        impl Field for $type {
            const WIDTH: usize = 1;
            fn columns(name: &'static str, doc: &'static str, into: &mut Vec<Column>) {
                into.push(Column { name, kind: <$type>::KIND, nullable: false, doc });
            }
            fn values(self, into: &mut Vec<Value>) {
                into.push(self.value());
            }
        }

        impl Field for Option<$type> {
            const WIDTH: usize = 1;
            fn columns(name: &'static str, doc: &'static str, into: &mut Vec<Column>) {
                into.push(Column { name, kind: <$type>::KIND, nullable: true, doc });
            }
            fn values(self, into: &mut Vec<Value>) {
                into.push(self.map_or(Value::None, Cell::value));
            }
        }
    )*};
}

cells! {
    &'static str: Word, |word| Value::Text(word.to_owned());
    String: Word, |word| Value::Text(word);
    Prose: Prose, |prose| Value::Text(prose.0);
    PoolId: Word, |id| Value::Text(id.into());
    NodeId: Word, |id| Value::Text(id.into());
    BootId: Word, |id| Value::Text(id.into());
    FlowId: Word, |id| Value::Text(id.into());
    TaskId: Word, |id| Value::Text(id.into());
    PolicyId: Word, |id| Value::Text(id.into());
    ExecutionId: Word, |id| Value::Text(id.to_string());
    JournalId: Word, |id| Value::Text(id.to_string());
    u32: Int, |number| Value::Int(number.into());
    i32: Int, |number| Value::Int(number.into());
    u64: Int, |number| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    Millis: Int, |length| Value::Int(i64::try_from(length.0).unwrap_or(i64::MAX));
    bool: Flag, |flag| Value::Flag(flag);
    Timestamp: Time, |at| Value::Time(at);
}

/// Makes a struct a part of a row: its fields are the columns, their words the documentation.
macro_rules! columns {
    (
        $(#[doc = $doc:literal])*
        pub struct $name:ident { $( $(#[doc = $words:literal])+ pub $field:ident: $type:ty, )* }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name { $( $(#[doc = $words])+ pub $field: $type, )* }

        impl $crate::column::Field for $name {
            const WIDTH: usize = 0 $( + <$type as $crate::column::Field>::WIDTH )*;
            fn columns(_: &'static str, _: &'static str, into: &mut Vec<$crate::Column>) {
                $( <$type as $crate::column::Field>::columns(
                    stringify!($field), concat!($($words),+).trim_ascii_start(), into); )*
            }
            fn values(self, into: &mut Vec<$crate::Value>) {
                $( $crate::column::Field::values(self.$field, into); )*
            }
        }
    };
}
pub(crate) use columns;
