//! `to_char(TIME, PATTERN)`: datafusion's own, whose patterns are those of strftime. One of Postgres, `YYYY-MM-DD`, it would
//! print as it stands for every time there is; so a pattern that names no part of a time is refused.

use chrono::format::{Item, StrftimeItems};
use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::functions::datetime;
use datafusion::logical_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature};

/// The function.
pub fn to_char() -> ScalarUDF {
    ScalarUDF::new_from_impl(ToChar { own: datetime::to_char().as_ref().clone() })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ToChar {
    own: ScalarUDF,
}

impl ScalarUDFImpl for ToChar {
    fn name(&self) -> &str {
        self.own.name()
    }

    fn aliases(&self) -> &[String] {
        self.own.aliases()
    }

    fn signature(&self) -> &Signature {
        self.own.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.own.return_type(types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.own.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        // A length of time has no parts to name: its pattern is a word.
        if let [of, pattern] = args.args.as_slice()
            && !matches!(of.data_type(), DataType::Duration(_))
            && let Some(wrong) = wrong(pattern)
        {
            return exec_err!("'{wrong}' is no pattern of `to_char`: write one like '%Y-%m-%d %H:%M:%S'");
        }
        self.own.invoke_with_args(args)
    }
}

/// The first pattern that names no part of a time, or one that there is not.
fn wrong(patterns: &ColumnarValue) -> Option<String> {
    let is_literal = |part: &Item<'_>| matches!(part, Item::Literal(_) | Item::Space(_));
    let is_wrong = |pattern: &&str| {
        let mut parts = StrftimeItems::new(pattern).filter(|part| !is_literal(part)).peekable();
        parts.peek().is_none() || parts.any(|part| part == Item::Error)
    };
    match patterns {
        ColumnarValue::Scalar(ScalarValue::Utf8(pattern)) => pattern.as_deref().filter(is_wrong).map(str::to_owned),
        ColumnarValue::Scalar(_) => None,
        ColumnarValue::Array(patterns) => {
            let patterns = patterns.as_ref().as_string_opt::<i32>()?;
            patterns.iter().flatten().find(is_wrong).map(str::to_owned)
        }
    }
}
