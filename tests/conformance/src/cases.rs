//! The cases. Each has a sentence for a name, and stands beside those that ask about the same thing.

mod ends;
mod order;
mod pages;
mod queue;
mod waits;

use crate::subject::Subject;

/// One thing that a log must do.
pub struct Case {
    /// It, in a sentence.
    pub name: &'static str,
    /// Plays it on a fresh log; panics if the log does not do it.
    pub play: fn(&mut dyn Subject),
}

/// Names each case by its function: `a_read_at_the_end_is_empty` is "a read at the end is empty".
macro_rules! cases {
    ($($module:ident :: $case:ident),* $(,)?) => {
        /// All cases.
        pub const CASES: [Case; [$(stringify!($case)),*].len()] =
            [$(Case { name: stringify!($case), play: $module::$case }),*];
    };
}

cases![
    order::records_of_one_thread_keep_the_order_of_its_calls,
    order::records_of_one_call_stand_together,
    order::threads_that_append_to_one_stream_lose_and_mix_nothing,
    order::streams_are_independent,
    order::a_stream_that_does_not_exist_refuses,
    order::nothing_is_read_that_will_not_be_acknowledged,
    queue::an_append_beyond_what_may_wait_is_refused_at_once_and_the_others_are_written,
    pages::a_record_comes_back_as_it_was_appended,
    pages::empty_keys_headers_and_values_come_back,
    pages::a_large_record_comes_back,
    pages::many_small_records_come_back_in_pages,
    pages::a_page_holds_at_least_one_record_and_about_as_many_bytes_as_asked,
    pages::a_read_at_the_end_is_empty,
    pages::a_read_from_any_position_returns_what_stands_there_and_after,
    ends::the_range_spans_what_can_be_read,
    ends::the_first_record_is_the_oldest_that_is_held,
    ends::who_reads_the_past_takes_nothing_from_who_follows_the_end,
    ends::a_restart_keeps_what_was_acknowledged_and_positions_go_on,
    ends::a_trim_moves_the_start_and_never_the_end,
    ends::a_cut_below_the_start_is_reported_before_any_record,
    ends::a_position_beyond_the_end_is_reported_as_a_cut,
    ends::a_trim_of_everything_keeps_positions_going_on_over_a_restart,
    ends::a_soft_stream_brings_what_comes_after_its_end,
    waits::a_wait_ends_when_a_record_comes,
    waits::a_wait_for_what_is_there_ends_at_once,
    waits::a_wait_ends_when_it_is_woken,
    waits::a_wait_ends_when_its_time_has_passed,
    waits::a_wait_sees_any_of_its_streams,
];
