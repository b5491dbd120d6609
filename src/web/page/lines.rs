//! Profiles with nothing to do, one line each. On a phone they are folded until somebody asks for them.

use maud::{Markup, html};

use super::elements::{account_name, foreign, name, symbol};
use super::overview::Overview;
use crate::plural::{count, span};
use crate::record::ProfileRow;
use crate::verdict::Severity;

/// One line for each row. `total` is the number of all profiles with nothing to do.
pub(super) fn lines(rows: &[ProfileRow], total: usize, overview: &Overview) -> Markup {
    html! {
        input #unfold type="checkbox";
        label for="unfold" { "Show " (count(total, "profile")) " with nothing to do" }
        ul.lines.fine-profiles { @for row in rows { li { (line(row, overview)) } } }
    }
}

fn line(row: &ProfileRow, overview: &Overview) -> Markup {
    let judged = &row.judged;
    html! {
        p.line {
            span.mark.fine { (symbol(Severity::Fine)) }
            a.name href=(overview.site.profile_url(row.account, judged.platform, judged.id)) { (name(row.name())) }
            span.quiet { (foreign(judged.platform)) " · " (foreign(judged.id)) }
            @if overview.has_several_accounts() { span.quiet { (account_name(row.account)) } }
            @if let Some(left) = judged.verdict.left { span.end { "token ends in " (span(left)) } }
        }
    }
}
