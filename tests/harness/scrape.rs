//! A response of `/metrics`, parsed strictly.

use std::collections::BTreeMap;

/// The samples of one scrape.
#[derive(Debug)]
pub struct Scrape {
    pub text: String,
    samples: BTreeMap<String, f64>,
}

impl Scrape {
    /// Parses a response with status 200 and the right content type.
    pub async fn read(answer: reqwest::Response) -> Scrape {
        assert_eq!(answer.status(), 200);
        assert_eq!(
            answer.headers()["content-type"],
            "text/plain; version=0.0.4; charset=utf-8"
        );
        Scrape::parse(answer.text().await.expect("UTF-8"))
    }

    /// Every line is a comment or a sample without a timestamp; no series repeats; no family is announced twice
    /// or has no sample.
    pub fn parse(text: String) -> Scrape {
        assert!(text.ends_with('\n'), "ends with a line feed");
        let mut samples = BTreeMap::new();
        let mut announced = Vec::new();
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("# TYPE ") {
                let name = comment.split(' ').next().expect("a name").to_owned();
                assert!(!announced.contains(&name), "{name} is announced twice");
                announced.push(name);
            } else if !line.starts_with("# HELP ") {
                let (series, value) = line.rsplit_once(' ').expect("a value");
                let family = announced.last().expect("TYPE comes first");
                assert!(
                    series.starts_with(family.as_str()),
                    "{series} is listed under {family}"
                );
                assert!(
                    series.ends_with('}') || !series.contains(['{', ' ']),
                    "{line}"
                );
                let value: f64 = value.parse().expect("a number");
                assert!(!value.is_nan(), "{line}");
                assert!(
                    samples.insert(series.to_owned(), value).is_none(),
                    "twice: {series}"
                );
            }
        }
        for name in &announced {
            let found = samples
                .keys()
                .any(|series| series.starts_with(name.as_str()));
            assert!(found, "{name} has no sample");
        }
        Scrape { text, samples }
    }

    /// The value of a series, in the notation of the exposition.
    pub fn get(&self, series: &str) -> Option<f64> {
        self.samples.get(series).copied()
    }

    /// The value of a series that must exist.
    pub fn value(&self, series: &str) -> f64 {
        let name = series.split('{').next().unwrap_or(series);
        self.get(series)
            .unwrap_or_else(|| panic!("no {series} among {:#?}", self.family(name)))
    }

    /// The series of one metric, without its name, with their values.
    pub fn family(&self, name: &str) -> Vec<(&str, f64)> {
        self.samples
            .iter()
            .filter_map(|(series, value)| {
                let labels = series.strip_prefix(name)?;
                (labels.is_empty() || labels.starts_with('{')).then_some((labels, *value))
            })
            .collect()
    }

    /// The status that is 1 for a profile.
    pub fn status(&self, platform: &str, profile: &str) -> String {
        let labels = format!("{{platform=\"{platform}\",profile=\"{profile}\",status=\"");
        let mut set: Vec<&str> = Vec::new();
        let mut values = 0;
        for (series, value) in self.family("qlara_profile_status") {
            if let Some(status) = series.strip_prefix(&labels) {
                values += 1;
                if value == 1.0 {
                    set.push(status.trim_end_matches("\"}"));
                }
            }
        }
        assert_eq!(values, 5, "a state-set has a series for every state");
        assert_eq!(set.len(), 1, "exactly one state is 1");
        set[0].to_owned()
    }
}
