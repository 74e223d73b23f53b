//! A list, cut into pages.

use serde::{Deserialize, Serialize};

/// Most items of one page, and how many it has if nobody says.
pub const MAX_ITEMS: usize = 1_000;

/// Some items of a list, and where it goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// To be sent as `?cursor=`; absent: this was the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The journal position that it is true for.
    pub position: u64,
}

impl<T> Page<T> {
    /// Cuts a list that was read one item further than wanted: that one shows that there is more. `cursor` names the
    /// last item that is kept.
    pub fn cut(mut items: Vec<T>, limit: usize, position: u64, cursor: impl Fn(&T) -> String) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(cursor);
        Self { items, next, position }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_its_last_item_if_there_is_more() {
        for (items, want) in [(vec![], None), (vec![1, 2], None), (vec![1, 2, 3], Some("2"))] {
            let page = Page::cut(items, 2, 7, |n: &i32| n.to_string());
            assert_eq!((page.next.as_deref(), page.items.len() <= 2, page.position), (want, true, 7));
        }
    }
}
