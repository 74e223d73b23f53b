//! How statements are read: as sqlparser's generic dialect reads them, but for operators that it has bind less than
//! comparisons. `->` and `->>` bind closer than all but `::`, so that `'no ' || detail->>'kind' = 'no x'` is what it looks like;
//! the others, `~` among them, stand between comparisons and sums, as in Postgres.
//!
//! Not Postgres' own dialect: it reads each argument of a function twice, for a name that it might have, so that twenty
//! functions in each other take seconds.

use std::any::TypeId;

use datafusion::sql::sqlparser::dialect::{self, GenericDialect, Precedence};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

/// The dialect.
#[derive(Debug, Clone, Copy)]
pub struct Dialect;

/// Closer than products, less close than `::`.
const PATHS: u8 = 45;
/// Closer than comparisons, less close than sums.
const OPERATORS: u8 = 25;

/// What the generic dialect lets through in queries beyond the standard, but for what datafusion passes over without a word:
/// with PREWHERE or WITH ROLLUP the answer would be to another question. What a later version lets through besides is not.
macro_rules! as_generic {
    ($($allows:ident),*) => {
        $(fn $allows(&self) -> bool { GenericDialect.$allows() })*
    };
}

impl dialect::Dialect for Dialect {
    /// The parser asks some dialects for their names, not for what they allow.
    fn dialect(&self) -> TypeId {
        GenericDialect.dialect()
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        GenericDialect.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        GenericDialect.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        GenericDialect.is_identifier_part(ch)
    }

    fn get_next_precedence(&self, parser: &Parser) -> Option<Result<u8, ParserError>> {
        matches!(parser.peek_token_ref().token, Token::Arrow | Token::LongArrow).then_some(Ok(PATHS))
    }

    fn prec_value(&self, of: Precedence) -> u8 {
        if matches!(of, Precedence::PgOther) { OPERATORS } else { GenericDialect.prec_value(of) }
    }

    as_generic!(
        allow_extract_custom,
        allow_extract_single_quotes,
        support_map_literal_syntax,
        supports_array_join_syntax,
        supports_array_typedef_with_brackets,
        supports_bitwise_shift_operators,
        supports_comma_separated_trim,
        supports_comment_optimizer_hint,
        supports_cte_without_as,
        supports_data_type_signed_suffix,
        supports_dictionary_syntax,
        supports_explain_with_utility_options,
        supports_extract_comma_syntax,
        supports_filter_during_aggregation,
        supports_group_by_expr,
        supports_interval_options,
        supports_left_associative_joins_without_parens,
        supports_limit_comma,
        supports_match_against,
        supports_multiline_comment_hints,
        supports_named_fn_args_with_assignment_operator,
        supports_nested_comments,
        supports_parens_around_table_factor,
        supports_partition_by_after_order_by,
        supports_pipe_operator,
        supports_projection_trailing_commas,
        supports_quote_delimited_string,
        supports_select_item_multi_column_alias,
        supports_select_wildcard_except,
        supports_select_wildcard_exclude,
        supports_select_wildcard_replace,
        supports_string_escape_constant,
        supports_struct_literal,
        supports_try_convert,
        supports_unicode_string_literal,
        supports_values_as_table_factor,
        supports_window_clause_named_window_reference,
        supports_window_function_null_treatment_arg,
        supports_xml_expressions
    );
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::ast::Expr;

    use super::*;

    #[test]
    fn operators_bind_closer_than_comparisons_and_paths_closest() {
        let table = [
            ("a->>'b' = 'c'", "="),
            ("a->'b'->>'c' IS NULL", "IS NULL"),
            ("a->>'b' LIKE 'c'", "LIKE"),
            ("a->>'b' BETWEEN 'c' AND 'd'", "BETWEEN"),
            ("a->>'b' IN ('c')", "IN"),
            ("NOT a->>'b' = 'c' AND a->>'b' = 'd'", "AND"),
            ("a->>1 + 1", "+"),
            ("a->>'b' || 'c'", "||"),
            ("'c' || a->>'b'", "||"),
            ("a->>'b' ~ 'c' || 'd'", "~"),
            ("a->>'b' ~ 'c' = true", "="),
        ];
        for (text, outermost) in table {
            let read = Parser::new(&Dialect).try_with_sql(text).unwrap().parse_expr().unwrap();
            let is = match outermost {
                "IS NULL" => matches!(read, Expr::IsNull(_)),
                "LIKE" => matches!(read, Expr::Like { .. }),
                "BETWEEN" => matches!(read, Expr::Between { .. }),
                "IN" => matches!(read, Expr::InList { .. }),
                operator => matches!(&read, Expr::BinaryOp { op, .. } if op.to_string() == operator),
            };
            assert!(is, "{text}: {read:?}");
        }
    }
}
