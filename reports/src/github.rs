//! Many trials as annotations of GitHub's workflows: what went wrong, at the line that expected
//! otherwise.
//!
//! Source: the workflow commands `error` and `notice` of GitHub Actions.

use crate::junit::{Checked, Suite};
use crate::verdict::Came;

/// Writes one line for each check that failed or was not put to the test.
pub fn annotations(suites: &[Suite]) -> Vec<String> {
    let of = |suite: &Suite| -> Vec<String> {
        suite.checks.iter().filter_map(|check| annotation(suite, check)).collect()
    };
    suites.iter().flat_map(of).collect()
}

fn annotation(suite: &Suite, check: &Checked) -> Option<String> {
    let (command, word) = match check.came {
        Came::True => return None,
        Came::False => ("error", "not as expected"),
        Came::Untested => ("notice", "untested"),
    };
    let mut properties = Vec::new();
    if let Some(file) = &suite.file {
        properties.push(format!("file={}", property(file)));
        properties.extend(check.line.map(|line| format!("line={line}")));
    }
    let case = if check.case.is_empty() { String::new() } else { format!(" [{}]", check.case) };
    let title = format!("{}{case}: {} {word}", suite.scenario, check.text);
    properties.push(format!("title={}", property(&title)));
    let message = format!("{}\n{}", check.message(), check.replays());
    Some(format!("::{command} {}::{}", properties.join(","), data(&message)))
}

/// Escapes what a message cannot hold.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes what a property cannot hold.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_property_or_a_line_is_escaped() {
        assert_eq!(property("a:b,c\n100%"), "a%3Ab%2Cc%0A100%25");
        assert_eq!(data("a:b,c\r\n100%"), "a:b,c%0D%0A100%25");
    }
}
