//! The audit as JUnit XML, for the reports of CI systems: a test suite for each account, a test case for each profile and
//! note.
//!
//! The elements and attributes are those that both the schema of Ant's reports and that of Jenkins allow.

use std::io::{self, Write};
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::audit::Audit;
use crate::record::{Note, ProfileRow, Report};
use crate::verdict::Severity;
use exporter_toolkit::printable::neutral;

/// The suite of the default account, and of notes that concern no account.
const NAMELESS: &str = "qlara";

pub(super) fn write(audit: &Audit, report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let suites = suites(audit, report);
    let mut xml = Writer::new_with_indent(out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = xml.create_element("testsuites");
    all.write_inner_content(|xml| {
        let mut numbered = suites.iter().enumerate();
        numbered.try_for_each(|(id, suite)| suite.write(id, audit, xml))
    })?;
    writeln!(xml.into_inner())
}

struct Suite {
    name: String,
    took: Duration,
    cases: Vec<Case>,
}

/// A profile or a note.
struct Case {
    class: String,
    name: String,
    severity: Severity,
    /// The findings in one line.
    message: String,
    /// The findings with what to do about them.
    text: String,
}

fn suites(audit: &Audit, report: &Report) -> Vec<Suite> {
    let accounts = audit.accounts.iter();
    let mut names: Vec<(Option<&str>, Duration)> = accounts
        .map(|account| (account.name.as_deref(), account.took))
        .collect();
    let is_general = |note: &Note| note.account.is_none();
    if report.notes.iter().any(is_general) && names.iter().all(|(name, _)| name.is_some()) {
        names.push((None, Duration::ZERO));
    }
    let suite = |(account, took): (Option<&str>, Duration)| {
        let name = neutral(account.unwrap_or(NAMELESS));
        let notes = report.notes.iter().filter(|note| note.account == account);
        let rows = report.rows.iter().filter(|row| row.account == account);
        let notes = notes.map(|note| Case::of_note(note, &name));
        let rows = rows.map(|row| Case::of_row(row, &name));
        Suite {
            took,
            cases: notes.chain(rows).collect(),
            name,
        }
    };
    names.into_iter().map(suite).collect()
}

impl Suite {
    fn write(&self, id: usize, audit: &Audit, xml: &mut Writer<&mut dyn Write>) -> io::Result<()> {
        let number = |is: fn(Severity) -> bool| {
            let cases = self.cases.iter();
            cases.filter(|case| is(case.severity)).count().to_string()
        };
        let suite = xml.create_element("testsuite").with_attributes([
            ("id", &*id.to_string()),
            ("package", NAMELESS),
            ("name", &self.name),
            // In UTC; the schemas allow no zone.
            (
                "timestamp",
                &audit.checked_at.format("%Y-%m-%dT%H:%M:%S").to_string(),
            ),
            ("hostname", "localhost"),
            ("tests", &number(|_| true)),
            ("failures", &number(is_failure)),
            (
                "errors",
                &number(|severity| severity == Severity::NotChecked),
            ),
            ("skipped", "0"),
            ("time", &format!("{:.3}", self.took.as_secs_f64())),
        ]);
        suite.write_inner_content(|xml| {
            xml.create_element("properties").write_empty()?;
            self.cases.iter().try_for_each(|case| case.write(xml))?;
            xml.create_element("system-out").write_empty()?;
            xml.create_element("system-err").write_empty()?;
            Ok(())
        })?;
        Ok(())
    }
}

/// A profile or account that was not checked is an error of the test, as in the exit code: nobody knows whether it works.
fn is_failure(severity: Severity) -> bool {
    matches!(severity, Severity::Warning | Severity::Critical)
}

impl Case {
    fn of_row(row: &ProfileRow, account: &str) -> Case {
        let verdict = &row.judged.verdict;
        let findings = verdict.findings.iter().map(ToString::to_string);
        let message = findings.collect::<Vec<_>>().join(", ");
        let message = match row.visible_name() {
            Some(name) => format!("{name}: {message}"),
            None => message,
        };
        let text = verdict.by_advice().into_iter().map(|(findings, advice)| {
            let findings = findings.iter().map(|finding| neutral(&finding.to_string()));
            format!("{}\n  {advice}", findings.collect::<Vec<_>>().join("\n"))
        });
        Case {
            class: format!("{account}.{}", neutral(row.judged.platform)),
            name: neutral(row.judged.id),
            severity: verdict.severity,
            message: neutral(&message),
            text: text.collect::<Vec<_>>().join("\n"),
        }
    }

    fn of_note(note: &Note, account: &str) -> Case {
        let text = neutral(&note.text);
        Case {
            class: format!("{account}.account"),
            name: text.clone(),
            severity: note.state.verdict(),
            message: text.clone(),
            text: format!("{text}\n  {}", note.advice),
        }
    }

    fn write(&self, xml: &mut Writer<&mut dyn Write>) -> io::Result<()> {
        let case = xml.create_element("testcase").with_attributes([
            ("classname", &*self.class),
            ("name", &self.name),
            ("time", "0"),
        ]);
        let element = match self.severity {
            Severity::Fine => return case.write_empty().map(|_| ()),
            Severity::NotChecked => "error",
            Severity::Warning | Severity::Critical => "failure",
        };
        case.write_inner_content(|xml| {
            let problem = xml
                .create_element(element)
                .with_attributes([("type", self.severity.as_str()), ("message", &self.message)]);
            problem.write_text_content(BytesText::new(&self.text))?;
            Ok(())
        })?;
        Ok(())
    }
}
