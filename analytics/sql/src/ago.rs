//! `ago('7d')`: so long before now, where now is the moment that is asked about.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{ScalarValue, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
};

/// The function.
pub fn ago() -> ScalarUDF {
    ScalarUDF::new_from_impl(Ago { signature: Signature::exact(vec![DataType::Utf8], Volatility::Stable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Ago {
    signature: Signature,
}

impl ScalarUDFImpl for Ago {
    fn name(&self) -> &str {
        "ago"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))
    }

    /// A point in time by the moment that the statement begins: so files that are older are passed over.
    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let [Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _)] = args.as_slice()
        else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let Some(micros) = micros(text) else {
            return plan_err!("'{text}' is no length of time: write 90s, 15m, 2h, 7d, 4w or 1d12h");
        };
        let Some(now) = info.query_execution_start_time() else { return Ok(ExprSimplifyResult::Original(args)) };
        let then = now.timestamp_micros().saturating_sub(micros);
        Ok(ExprSimplifyResult::Simplified(lit(ScalarValue::TimestampMicrosecond(Some(then), Some(Arc::from("UTC"))))))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("`ago` takes a length of time that stands in the statement, as in ago('7d')")
    }
}

/// A length of time in microseconds: numbers and their units, as in `1d12h`.
fn micros(text: &str) -> Option<i64> {
    let (mut sum, mut rest) = (0_i64, text.trim());
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let unit = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let ms = match &rest[..unit] {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 7 * 86_400_000,
            _ => return None,
        };
        sum = sum.checked_add(number.checked_mul(ms)?.checked_mul(1_000)?)?;
        rest = rest[unit..].trim_start();
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::micros;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        let seconds = |text| micros(text).map(|micros| micros / 1_000_000);
        let table = [
            ("7d", Some(604_800)),
            ("90s", Some(90)),
            ("1h30m", Some(5_400)),
            ("1d 12h", Some(129_600)),
            ("4w", Some(2_419_200)),
            ("500ms", Some(0)),
            ("", None),
            ("7", None),
            ("d", None),
            ("7 days", None),
            ("-7d", None),
            ("99999999999999999999d", None),
            ("9999999999999d", None),
        ];
        for (text, want) in table {
            assert_eq!(seconds(text), want, "{text:?}");
        }
    }
}
