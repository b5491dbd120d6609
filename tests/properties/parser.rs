//! The second parser is strict: it rejects what Prometheus rejects.

use crate::any_bytes::parser::parse;

const GOOD: &str =
    "# HELP a Some help.\n# TYPE a gauge\na{b=\"x\\\\\\\"\\n\r}é\"} 1\na{c=\"\"} -2.5\n";

#[test]
fn valid_text_is_parsed_and_unescaped() {
    let series = parse(GOOD).expect("an exposition");
    let label = |name: &str, value: &str| [(name.to_owned(), value.to_owned())].into();
    let expected = [
        (("a".to_owned(), label("b", "x\\\"\n\r}é")), 1.0),
        (("a".to_owned(), label("c", "")), -2.5),
    ];
    assert_eq!(series, expected.into());
}

#[test]
fn invalid_text_is_rejected() {
    for bad in [
        "",
        "\n",
        "a 1\n",
        "# HELP a x\n# TYPE a gauge\n",
        "# HELP a x\na 1\n",
        "# TYPE a gauge\na 1\n",
        "# HELP a x\n# TYPE b gauge\na 1\n",
        "# HELP a x\n# TYPE a gauge\nb 1\n",
        "# HELP a x\n# TYPE a gauge\na 1",
        "# HELP a x\n# TYPE a gauge\na 1\n\n",
        "# HELP a x\n# TYPE a gauge\na 1\na 1\n",
        "# HELP a x\n# TYPE a gauge\na 1\na{} 2\n",
        "# HELP a x\n# TYPE a gauge\na{b=\"x\",c=\"y\"} 1\na{c=\"y\",b=\"x\"} 1\n",
        "# HELP a x\n# TYPE a gauge\na 1\n# HELP a x\n# TYPE a gauge\na{b=\"\"} 1\n",
        "# HELP a x\n# TYPE a gauge\na one\n",
        "# HELP a x\n# TYPE a gauge\na\n",
        "# HELP a x\n# TYPE a gauge\na 1 2\n",
        "# HELP a x\n# TYPE a gauge\na{b=\"x} 1\n",
        "# HELP a x\n# TYPE a gauge\na{b=\"x\"y\"} 1\n",
        "# HELP a x\n# TYPE a gauge\na{b=\"x\\\"} 1\n",
        "# HELP a x\n# TYPE a gauge\na{b=\"x\\t\"} 1\n",
        "# HELP a x\n# TYPE a gauge\na{b=\"x\ny\"} 1\n",
        "# HELP a x\n# TYPE a gauge\na{b=x} 1\n",
        "# HELP a x\n# TYPE a gauge\na{b=\"x\",b=\"x\"} 1\n",
        "# HELP a x\n# TYPE a gauge\na{1b=\"x\"} 1\n",
        "# HELP a x\n# TYPE a gauge\na{b=\"x\" 1\n",
        "# HELP a x\n# TYPE a thing\na 1\n",
        "# HELP 1a x\n# TYPE 1a gauge\n1a 1\n",
        "# HELP a x\n# TYPE a counter\na -1\n",
        "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
    ] {
        assert!(parse(bad).is_err(), "{bad:?}");
    }
}
