//! Every format a run can be rendered in, by its name on the command line.

use std::io::{self, Write};

use super::{Report, hlog, json, jtl, junit, markdown, metrics, otlp, page, performance};
use crate::baseline::Baseline;
use crate::evidence::RunRecord;

/// A way to tell of a judged run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The page for people.
    Html,
    /// The report as data.
    Json,
    /// For the test viewers of CI systems.
    Junit,
    /// For job summaries.
    Markdown,
    /// `HdrHistogram`'s interval log.
    Hlog,
    /// `OpenMetrics` text, also for GitLab's metrics report.
    OpenMetrics,
    /// k6's summary export, also for GitLab's load performance report.
    Performance,
    /// `OpenTelemetry` metrics in JSON.
    Otlp,
    /// `JMeter`'s CSV results.
    Jtl,
}

impl Format {
    /// All of them; those of every run first.
    pub const ALL: [Self; 9] = [
        Self::Html,
        Self::Json,
        Self::Junit,
        Self::Markdown,
        Self::Hlog,
        Self::OpenMetrics,
        Self::Performance,
        Self::Otlp,
        Self::Jtl,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Markdown => "markdown",
            Self::Hlog => "hlog",
            Self::OpenMetrics => "openmetrics",
            Self::Performance => "performance",
            Self::Otlp => "otlp",
            Self::Jtl => "jtl",
        }
    }

    /// The format of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Its file in a run folder.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Html => "report.html",
            Self::Json => "report.json",
            Self::Junit => "junit.xml",
            Self::Markdown => "summary.md",
            Self::Hlog => "latency.hlog",
            Self::OpenMetrics => "metrics.txt",
            Self::Performance => "performance.json",
            Self::Otlp => "otlp.json",
            Self::Jtl => "samples.jtl",
        }
    }

    /// Writes a run in this format; a JTL goes out row by row, so it may be larger than memory.
    ///
    /// # Errors
    /// Whatever `out` says.
    pub fn write(
        self,
        report: &Report,
        record: &RunRecord,
        baseline: Option<&Baseline>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let content = match self {
            Self::Jtl => return jtl::write(record, out),
            Self::Html => page(report, record, baseline),
            Self::Json => json::render(report),
            Self::Junit => junit::render(report),
            Self::Markdown => markdown::render(report),
            Self::Hlog => hlog::render(record),
            Self::OpenMetrics => metrics::render(report),
            Self::Performance => performance::render(report, record),
            Self::Otlp => otlp::render(report, record),
        };
        out.write_all(&content)
    }
}
