//! A minimal PromQL parser for the checks: selectors, their context, and groupings.

/// A metric with its matchers.
#[derive(Debug, PartialEq)]
pub struct Selector<'a> {
    pub metric: &'a str,
    pub matchers: Vec<&'a str>,
    /// The range or subquery in brackets after the selector.
    pub range: Option<&'a str>,
    /// The function or aggregation that the selector is an argument of, or an empty text.
    pub function: &'a str,
}

/// Keywords in front of a list of labels.
const BEFORE_LABELS: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];
/// Words that are not metrics.
const OPERATORS: [&str; 4] = ["and", "or", "unless", "bool"];

/// All selectors of an expression, including metrics without matchers.
pub fn selectors(expression: &str) -> Vec<Selector<'_>> {
    let mut found = Vec::new();
    let mut functions = Vec::new();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let (word, behind) = split_word(rest);
        let next = behind.trim_start();
        if word.is_empty() {
            match first {
                '(' => functions.push(""),
                ')' => drop(functions.pop().expect("an opening parenthesis")),
                _ => {}
            }
            rest = match first {
                '0'..='9' => rest.trim_start_matches(|char: char| char.is_ascii_alphanumeric()),
                _ => &rest[first.len_utf8()..],
            };
        } else if BEFORE_LABELS.contains(&word) {
            rest = next.split_once(')').expect("labels").1;
        } else if let Some(arguments) = next.strip_prefix('(') {
            // An operator in front of a parenthesis is not a function.
            functions.push(if OPERATORS.contains(&word) { "" } else { word });
            rest = arguments;
        } else if OPERATORS.contains(&word) || BEFORE_LABELS.contains(&split_word(next).0) {
            // An operator, or an aggregation followed by its `by`.
            rest = behind;
        } else {
            let (matchers, behind) = match next.strip_prefix('{') {
                Some(inside) => split_matchers(inside),
                None => (Vec::new(), behind),
            };
            let range = behind
                .strip_prefix('[')
                .and_then(|inside| inside.split_once(']'));
            found.push(Selector {
                metric: word,
                matchers,
                range: range.map(|(range, _)| range),
                function: functions.last().copied().unwrap_or(""),
            });
            rest = range.map_or(behind, |(_, behind)| behind);
        }
    }
    assert_eq!(functions, [""; 0], "parentheses in {expression}");
    found
}

/// The labels of each `by (…)`.
pub fn grouping_labels(expression: &str) -> Vec<Vec<&str>> {
    let groups = expression.split("by (").skip(1);
    let labels = groups.map(|rest| rest.split_once(')').expect("an end").0);
    labels
        .map(|labels| labels.split(',').map(str::trim).collect())
        .collect()
}

/// The name of a metric, function or operator at the start; empty if there is none.
fn split_word(text: &str) -> (&str, &str) {
    if !text.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_') {
        return ("", text);
    }
    let end = text.find(|char: char| !(char.is_ascii_alphanumeric() || matches!(char, '_' | ':')));
    text.split_at(end.unwrap_or(text.len()))
}

/// The matchers up to the closing brace; values may hold braces and commas.
fn split_matchers(text: &str) -> (Vec<&str>, &str) {
    let mut matchers = Vec::new();
    let mut quoted = false;
    let mut start = 0;
    for (at, char) in text.char_indices() {
        match char {
            '"' => quoted = !quoted,
            ',' | '}' if !quoted => {
                matchers.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
        if char == '}' && !quoted {
            return (matchers, &text[start..]);
        }
    }
    panic!("no end of the matchers: {text}");
}

#[test]
fn selectors_are_found_anywhere_in_an_expression() {
    let expression = r#"1e10 * sum by (le, job) (rate(a_total{x=~"{,}", y="1"}[5m])) > bool 0 or (b) / on (c) max(d{})"#;
    let selector = |metric, matchers, range, function| Selector {
        metric,
        matchers,
        range,
        function,
    };
    assert_eq!(
        selectors(expression),
        [
            selector(
                "a_total",
                vec![r#"x=~"{,}""#, r#"y="1""#],
                Some("5m"),
                "rate"
            ),
            selector("b", vec![], None, ""),
            selector("d", vec![""], None, "max"),
        ]
    );
    assert_eq!(grouping_labels(expression), [["le", "job"]]);
}
