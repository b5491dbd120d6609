//! The parts of a long list, counted from 0, and links between them.

use maud::{Markup, html};

/// The rows of a part. A part past the end is the last one.
pub(super) fn part<T>(rows: &[T], page: usize, page_size: usize) -> &[T] {
    let start = page.min(last_page(rows.len(), page_size)) * page_size;
    &rows[start..rows.len().min(start + page_size)]
}

fn last_page(total: usize, page_size: usize) -> usize {
    total.div_ceil(page_size).saturating_sub(1)
}

/// The links to the neighbouring parts; nothing if the list has one part.
pub(super) fn paging(
    label: &str,
    page: usize,
    page_size: usize,
    total: usize,
    url: impl Fn(usize) -> String,
) -> Markup {
    let last = last_page(total, page_size);
    let page = page.min(last);
    let start = page * page_size;
    html! {
        @if last > 0 {
            nav.paging aria-label={ (label) ": parts of the list" } {
                @if page > 0 {
                    a href=(url(0)) { "First" }
                    a href=(url(page - 1)) rel="prev" { "Previous" }
                }
                span { (start + 1) " to " ((start + page_size).min(total)) " of " (total) }
                @if page < last {
                    a href=(url(page + 1)) rel="next" { "Next" }
                    a href=(url(last)) { "Last" }
                }
            }
        }
    }
}
