//! The list of all metrics, config/metrics.md.

use crate::tree::{read, root};

/// A row of the list.
pub(crate) struct Metric {
    /// Its name in Prometheus, without what a histogram has behind it.
    pub(crate) name: String,
    /// The cell that names its labels, with their values.
    pub(crate) labels: String,
    is_histogram: bool,
    /// The heading that it stands under.
    pub(crate) section: String,
}

/// The list.
pub(crate) struct Metrics {
    pub(crate) text: String,
    all: Vec<Metric>,
}

impl Metrics {
    pub(crate) fn read() -> Self {
        let text = read(&root().join("config/metrics.md"));
        let (mut all, mut section) = (vec![], String::new());
        for line in text.lines() {
            if let Some(heading) = line.strip_prefix("## ") {
                heading.clone_into(&mut section);
            }
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            if let ["", name, _, kind, _, labels, _, _, ""] = cells[..]
                && let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`'))
            {
                let (labels, section) = (labels.to_owned(), section.clone());
                all.push(Metric { name: name.to_owned(), labels, is_histogram: kind == "histogram", section });
            }
        }
        assert!(all.len() > 50, "config/metrics.md lists {} metrics", all.len());
        Self { text, all }
    }

    /// The metric that exports a series of this name.
    pub(crate) fn of_series(&self, series: &str) -> Option<&Metric> {
        let suffixes = ["_bucket", "_sum", "_count"];
        self.all.iter().find(|metric| match series.strip_prefix(&*metric.name) {
            Some(rest) if metric.is_histogram => suffixes.contains(&rest),
            rest => rest == Some(""),
        })
    }
}

impl Metric {
    /// Whether the label may have the value: as its row lists it, else as any part of the document does.
    pub(crate) fn may_be(&self, label: &str, value: &str, document: &str) -> bool {
        let lists = self.labels.contains(&format!("`{label}`: "));
        let said = if lists { &self.labels } else { document };
        said.contains(&format!("`{value}`"))
    }
}
