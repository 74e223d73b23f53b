//! How statements are read: as sqlparser's generic dialect reads them, but for `->>` and its like, which bind closer than
//! comparisons, as in Postgres. `detail->>'kind' = 'x'` compares what was asked for.
//!
//! Not Postgres' own dialect: it reads each argument of a function twice, for a name that it might have, so that twenty
//! functions in each other take seconds.

use std::any::TypeId;

use datafusion::sql::sqlparser::dialect::{self, GenericDialect, Precedence};

/// The dialect.
#[derive(Debug, Clone, Copy)]
pub struct Dialect;

/// Closer than comparisons, less close than sums.
const OPERATORS: u8 = 25;

/// What the generic dialect lets through beyond the standard, but for what datafusion passes over without a word: PREWHERE,
/// CONNECT BY, WITH ROLLUP and their like would leave an answer to another question.
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

    fn prec_value(&self, of: Precedence) -> u8 {
        if matches!(of, Precedence::PgOther) { OPERATORS } else { GenericDialect.prec_value(of) }
    }

    as_generic!(
        allow_extract_custom,
        allow_extract_single_quotes,
        support_map_literal_syntax,
        supports_array_join_syntax,
        supports_array_typedef_with_brackets,
        supports_asc_desc_in_column_definition,
        supports_bitwise_shift_operators,
        supports_comma_separated_set_assignments,
        supports_comma_separated_trim,
        supports_comment_on,
        supports_comment_optimizer_hint,
        supports_constraint_keyword_without_name,
        supports_create_index_with_clause,
        supports_create_view_comment_syntax,
        supports_cte_without_as,
        supports_data_type_signed_suffix,
        supports_detach,
        supports_dictionary_syntax,
        supports_empty_projections,
        supports_explain_with_utility_options,
        supports_extract_comma_syntax,
        supports_filter_during_aggregation,
        supports_from_first_select,
        supports_group_by_expr,
        supports_install,
        supports_interval_options,
        supports_key_column_option,
        supports_left_associative_joins_without_parens,
        supports_limit_comma,
        supports_load_extension,
        supports_match_against,
        supports_multiline_comment_hints,
        supports_named_fn_args_with_assignment_operator,
        supports_nested_comments,
        supports_optimize_table,
        supports_parens_around_table_factor,
        supports_parenthesized_set_variables,
        supports_partition_by_after_order_by,
        supports_pipe_operator,
        supports_projection_trailing_commas,
        supports_quote_delimited_string,
        supports_select_item_multi_column_alias,
        supports_select_wildcard_except,
        supports_select_wildcard_exclude,
        supports_select_wildcard_replace,
        supports_set_names,
        supports_start_transaction_modifier,
        supports_string_escape_constant,
        supports_struct_literal,
        supports_try_convert,
        supports_unicode_string_literal,
        supports_update_order_by,
        supports_user_host_grantee,
        supports_values_as_table_factor,
        supports_window_clause_named_window_reference,
        supports_window_function_null_treatment_arg,
        supports_xml_expressions
    );
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::ast::Expr;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    #[test]
    fn operators_bind_closer_than_comparisons_and_less_close_than_sums() {
        let table = [
            ("a->>'b' = 'c'", "="),
            ("a->'b'->>'c' IS NULL", "IS NULL"),
            ("a->>'b' LIKE 'c'", "LIKE"),
            ("a->>'b' BETWEEN 'c' AND 'd'", "BETWEEN"),
            ("a->>'b' IN ('c')", "IN"),
            ("NOT a->>'b' = 'c' AND a->>'b' = 'd'", "AND"),
            ("a->>1 + 1", "->>"),
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
