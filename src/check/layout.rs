//! The columns of the table: which of them fit side by side, and how wide each one is.

use exporter_toolkit::printable::{fit, width};

/// The narrowest table. A narrower terminal wraps its lines.
pub(super) const MIN_WIDTH: usize = 60;
/// The widest table. Longer lines are hard to follow.
pub(super) const MAX_WIDTH: usize = 200;

/// The width of the verdicts, `NOT CHECKED` being the longest, also next to notes.
pub(super) const VERDICT: usize = 11;
pub(super) const GAP: &str = "  ";

/// A column, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Verdict,
    Platform,
    Account,
    Profile,
    Name,
    Status,
    Since,
    TokenEnds,
    Left,
    LastActivity,
}

impl Column {
    const ALL: [Column; 10] = [
        Column::Verdict,
        Column::Platform,
        Column::Account,
        Column::Profile,
        Column::Name,
        Column::Status,
        Column::Since,
        Column::TokenEnds,
        Column::Left,
        Column::LastActivity,
    ];

    /// The columns that a narrow table omits, the first one first.
    const OPTIONAL: [Column; 5] = [
        Column::LastActivity,
        Column::Since,
        Column::Status,
        Column::Left,
        Column::Account,
    ];

    fn heading(self) -> &'static str {
        match self {
            Column::Verdict => "VERDICT",
            Column::Platform => "PLATFORM",
            Column::Account => "ACCOUNT",
            Column::Profile => "PROFILE",
            Column::Name => "NAME",
            Column::Status => "STATUS",
            Column::Since => "SINCE",
            Column::TokenEnds => "TOKEN ENDS",
            Column::Left => "LEFT",
            Column::LastActivity => "LAST ACTIVITY",
        }
    }

    /// The width to which values are cut before a column is omitted, and after that; `None` if they are never cut.
    fn smallest(self, cut: Cut) -> Option<usize> {
        let (moderate, hard) = match self {
            Column::Platform => (9, 9),
            Column::Account => (8, 8),
            Column::Profile => (16, 12),
            Column::Name => (15, 10),
            _ => return None,
        };
        Some(match cut {
            Cut::Moderate => moderate,
            Cut::Hard => hard,
        })
    }

    /// The value in a line of details, with what it is.
    fn detail(self, value: &str) -> Option<String> {
        match self {
            Column::Platform => Some(format!("platform {value}")),
            Column::Account => Some(format!("account {value}")),
            Column::Profile => Some(format!("profile {value}")),
            Column::Name | Column::Status => Some(value.to_owned()),
            Column::Since => Some(format!("since {value}")),
            Column::LastActivity => Some(format!("last activity {value}")),
            // Always shown, or a repetition of the date.
            Column::Verdict | Column::TokenEnds | Column::Left => None,
        }
    }
}

/// How short values may be cut.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Moderate,
    Hard,
}

/// The values of a row by column; empty where there is none.
#[derive(Debug, Clone, Default)]
pub(super) struct Cells([String; Column::ALL.len()]);

impl Cells {
    pub(super) fn set(&mut self, column: Column, value: impl Into<String>) {
        self.0[column as usize] = value.into();
    }

    pub(super) fn get(&self, column: Column) -> &str {
        &self.0[column as usize]
    }
}

/// The columns of a table and their widths.
#[derive(Debug)]
pub(super) struct Layout(Vec<(Column, usize)>);

impl Layout {
    /// Arranges the columns of these rows within the width. A column without values is omitted. Values are
    /// cut moderately first, then columns are omitted, then values are cut more.
    pub(super) fn new(rows: &[Cells], width: usize) -> Layout {
        let mut columns = natural_columns(rows);
        for omitted in Column::OPTIONAL {
            if let Some(layout) = shrunk(&columns, width, Cut::Moderate) {
                return layout;
            }
            columns.retain(|(column, _)| *column != omitted);
        }
        shrunk(&columns, width, Cut::Hard).unwrap_or(Layout(columns))
    }

    /// The line of the headings.
    pub(super) fn heading(&self) -> String {
        let headings = self
            .0
            .iter()
            .map(|(column, width)| fit(column.heading(), *width));
        headings.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    }

    /// The line of a row. `paint` may add escape sequences to the first cell.
    pub(super) fn line(&self, cells: &Cells, paint: impl Fn(&str) -> String) -> String {
        let texts = self.0.iter().map(|(column, width)| {
            let text = fit(cells.get(*column), *width);
            match column {
                Column::Verdict => paint(&text),
                _ => text,
            }
        });
        texts.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    }

    /// The values of a row that its line omits or cuts.
    pub(super) fn details(&self, cells: &Cells) -> Option<String> {
        let is_complete = |column: Column| {
            let mut columns = self.0.iter();
            let place = columns.find(|(shown, _)| *shown == column);
            place.is_some_and(|(_, room)| width(cells.get(column)) <= *room)
        };
        let hidden = Column::ALL
            .into_iter()
            .filter(|column| !cells.get(*column).is_empty() && !is_complete(*column));
        let details: Vec<String> = hidden
            .filter_map(|column| column.detail(cells.get(column)))
            .collect();
        (!details.is_empty()).then(|| details.join(", "))
    }
}

/// The columns that have a value, in the width of their longest one.
fn natural_columns(rows: &[Cells]) -> Vec<(Column, usize)> {
    let longest = |column| rows.iter().map(|cells| width(cells.get(column))).max();
    let columns = Column::ALL.into_iter().filter_map(|column| {
        let longest = longest(column).filter(|longest| *longest > 0)?;
        match column {
            Column::Verdict => Some((column, VERDICT)),
            _ => Some((column, longest.max(column.heading().len()))),
        }
    });
    columns.collect()
}

/// Narrows the widest columns until the table fits. `None` if they would have to be cut shorter.
fn shrunk(columns: &[(Column, usize)], width: usize, cut: Cut) -> Option<Layout> {
    let mut columns = columns.to_vec();
    while total(&columns) > width {
        let wide = columns.iter_mut().filter(|(column, width)| {
            let smallest = column.smallest(cut);
            smallest.is_some_and(|smallest| *width > smallest)
        });
        let (_, widest) = wide.max_by_key(|(_, width)| *width)?;
        *widest -= 1;
    }
    Some(Layout(columns))
}

fn total(columns: &[(Column, usize)]) -> usize {
    let widths: usize = columns.iter().map(|(_, width)| width).sum();
    widths + GAP.len() * columns.len().saturating_sub(1)
}
