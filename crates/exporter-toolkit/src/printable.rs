//! Printing of untrusted text on terminals, on web pages and in logs: characters that control the output are replaced, and
//! the width on a screen is measured.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Maximum number of combining marks on one character. No writing system needs more.
const MAX_MARKS: usize = 8;

/// Replaces unprintable characters, and combining marks that pile up, with U+FFFD.
///
/// ```
/// assert_eq!(exporter_toolkit::printable::neutral("a\u{1b}[2J"), "a\u{fffd}[2J");
/// ```
pub fn neutral(text: &str) -> String {
    let shown = |char| {
        if is_unprintable(char) {
            '\u{fffd}'
        } else {
            char
        }
    };
    without_stacked_marks(text).chars().map(shown).collect()
}

/// Replaces combining marks that pile up with a single U+FFFD: they would cover the lines around.
///
/// ```
/// let piled = "e".to_owned() + &"\u{301}".repeat(100);
/// assert_eq!(exporter_toolkit::printable::without_stacked_marks(&piled).chars().count(), 1 + 8 + 1);
/// ```
pub fn without_stacked_marks(text: &str) -> Cow<'_, str> {
    if numbered_marks(text).all(|(_, number)| number <= MAX_MARKS) {
        return Cow::Borrowed(text);
    }
    let kept = numbered_marks(text).filter_map(|(char, number)| match number {
        ..=MAX_MARKS => Some(char),
        _ => (number == MAX_MARKS + 1).then_some(char::REPLACEMENT_CHARACTER),
    });
    Cow::Owned(kept.collect())
}

/// The characters, each with the number of combining marks that end with it.
fn numbered_marks(text: &str) -> impl Iterator<Item = (char, usize)> {
    text.chars().scan(0, |marks, char| {
        *marks = if is_mark(char) { *marks + 1 } else { 0 };
        Some((char, *marks))
    })
}

/// Whether a character takes no place of its own, and is not one that names need between others.
fn is_mark(char: char) -> bool {
    char.width() == Some(0) && !is_unprintable(char) && !is_joiner(char)
}

/// Escapes unprintable characters in JSON.
pub fn escaped_json(json: &str) -> Cow<'_, str> {
    escaped(json, is_unprintable_in_json, |char, out| {
        // Characters beyond U+FFFF are two escapes.
        for unit in char.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    })
}

/// Escapes unprintable characters in a JSON text that becomes part of a YAML file.
pub fn escaped_yaml(json: &str) -> Cow<'_, str> {
    escaped(json, is_unprintable_in_json, |char, out| {
        out.push_str(&match u32::from(char) {
            code @ ..=0xffff => format!("\\u{code:04x}"),
            code => format!("\\U{code:08x}"),
        });
    })
}

/// Escapes unprintable characters and line breaks as Rust does in string literals, so that the text is one line.
pub(crate) fn escaped_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_unprintable, |char, out| {
        out.extend(char.escape_default());
    })
}

/// A line feed is white space between the tokens of JSON; in strings, JSON itself escapes it.
fn is_unprintable_in_json(char: char) -> bool {
    is_unprintable(char) && char != '\n'
}

fn escaped(
    text: &str,
    needs_escape: fn(char) -> bool,
    escape: impl Fn(char, &mut String),
) -> Cow<'_, str> {
    if !text.contains(needs_escape) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match needs_escape(char) {
            true => escape(char, &mut out),
            false => out.push(char),
        }
    }
    Cow::Owned(out)
}

/// Whether parsers that split lines like Python's `str.splitlines` split at the character. The line feed is excluded,
/// because the exposition format escapes it.
pub fn is_line_separator(char: char) -> bool {
    matches!(char, '\u{b}'..='\r' | '\u{1c}'..='\u{1f}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Replaces line separators with spaces, as in label values.
pub fn without_line_separators(text: &str) -> String {
    text.replace(is_line_separator, " ")
}

/// Whether a character controls a terminal or is invisible: control characters, line separators, directional formatting,
/// invisible characters and noncharacters. Logs, errors, tables, CSV and web pages do not show it.
pub fn is_unprintable(char: char) -> bool {
    char.is_control() || is_invisible(char) || is_noncharacter(char)
        // Line separators, directional formatting, interlinear annotations.
        || matches!(char, '\u{2028}'..='\u{202e}' | '\u{fff9}'..='\u{fffb}')
}

/// Whether a character is invisible: Unicode's `Default_Ignorable_Code_Point` (DerivedCoreProperties.txt of Unicode 14.0)
/// and the blank Braille pattern. Names need some of these, which are shown: the joiners U+200C and U+200D (Persian, emoji
/// of several persons) and the variation selectors U+FE00 to U+FE0F (coloured emoji).
fn is_invisible(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character is an invisible one that names need, see [`is_unprintable`].
fn is_joiner(char: char) -> bool {
    matches!(char, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// Whether a text shows nothing: it has only white space, joiners and variation selectors.
///
/// ```
/// assert!(exporter_toolkit::printable::is_blank(" \u{200d}"));
/// assert!(!exporter_toolkit::printable::is_blank("\u{200b}"), "shown as its code point");
/// ```
pub fn is_blank(text: &str) -> bool {
    text.chars()
        .all(|char| is_joiner(char) || (char.is_whitespace() && !is_unprintable(char)))
}

/// Whether the first visible character of a text is a combining mark, which has no base then.
///
/// ```
/// assert!(exporter_toolkit::printable::starts_with_mark("\u{301}a"));
/// assert!(!exporter_toolkit::printable::starts_with_mark("a\u{301}"));
/// ```
pub fn starts_with_mark(text: &str) -> bool {
    let first = text.trim_start_matches(is_joiner).chars().next();
    first.is_some_and(|char| char.width() == Some(0) && !is_unprintable(char))
}

/// Whether a code point is a noncharacter: the last two of each plane, and 32 more (Unicode, section 23.7).
fn is_noncharacter(char: char) -> bool {
    matches!(char, '\u{fdd0}'..='\u{fdef}') || u32::from(char) & 0xfffe == 0xfffe
}

/// Pads or cuts a text to the number of columns. Cuts are between grapheme clusters.
pub fn fit(text: &str, columns: usize) -> String {
    let text = neutral(text);
    if text.width() <= columns {
        let padding = columns - text.width();
        return text + &" ".repeat(padding);
    }
    let mut cut = String::new();
    let mut width = 0;
    for piece in text.graphemes(true) {
        if width + piece.width() + 1 > columns {
            break;
        }
        width += piece.width();
        cut.push_str(piece);
    }
    cut.push('…');
    cut + &" ".repeat(columns.saturating_sub(width + 1))
}

/// Breaks a text into lines of at most the number of columns, at spaces if possible.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let text = neutral(text);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_inclusive(' ') {
        if line.width() + word.trim_end().width() > columns && !line.is_empty() {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
        }
        for piece in word.graphemes(true) {
            if line.width() + piece.width() > columns && piece != " " {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
            }
            if !(line.is_empty() && piece == " ") {
                line.push_str(piece);
            }
        }
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// The width of a text in columns.
pub fn width(text: &str) -> usize {
    neutral(text).width()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_long_words_anywhere() {
        for (text, columns, lines) in [
            (
                "before messages fail.",
                20,
                &["before messages", "fail."][..],
            ),
            ("on 2026-04-09", 8, &["on", "2026-04-", "09"]),
            ("a 一二三四五", 6, &["a", "一二三", "四五"]),
            ("two  spaces", 5, &["two", "space", "s"]),
            ("", 5, &[""]),
        ] {
            assert_eq!(wrap(text, columns), lines, "{text}");
        }
    }

    #[test]
    fn invisible_characters_are_replaced_except_joiners() {
        for range in [
            '\u{0}'..='\u{1f}',
            '\u{7f}'..='\u{9f}',
            '\u{ad}'..='\u{ad}',
            '\u{34f}'..='\u{34f}',
            '\u{115f}'..='\u{1160}',
            '\u{17b4}'..='\u{17b5}',
            '\u{180b}'..='\u{180f}',
            '\u{200b}'..='\u{200b}',
            '\u{200e}'..='\u{200f}',
            '\u{2028}'..='\u{202e}',
            '\u{2060}'..='\u{206f}',
            '\u{2800}'..='\u{2800}',
            '\u{3164}'..='\u{3164}',
            '\u{fdd0}'..='\u{fdef}',
            '\u{feff}'..='\u{feff}',
            '\u{ffa0}'..='\u{ffa0}',
            '\u{fff0}'..='\u{fffb}',
            '\u{fffe}'..='\u{ffff}',
            '\u{1bca0}'..='\u{1bca3}',
            '\u{1d173}'..='\u{1d17a}',
            '\u{1fffe}'..='\u{1ffff}',
            '\u{e0000}'..='\u{e0fff}',
            '\u{10fffe}'..='\u{10ffff}',
        ] {
            for char in range {
                assert!(is_unprintable(char), "{char:?}");
                assert_eq!(neutral(&char.to_string()), "\u{fffd}");
            }
        }
        for name in [
            "👩\u{200d}👩\u{200d}👧 ❤\u{fe0f}",
            "می\u{200c}خواهم",
            "한국어 日本語\u{3000}ภาษาไทย ⠿ Zoë Nguyễn मराठी \u{a0}½",
        ] {
            assert_eq!(neutral(name), name);
        }
    }
}
