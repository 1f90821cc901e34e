//! `proofload report`: a stored run in any format again, or an index of the runs of a folder.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proofload_core::report::index::{self, IndexedRun, Unread};
use proofload_core::report::{Format, Report};
use proofload_runner::otlp::Receiver;

use super::run::{send_metrics, write_reports};
use crate::args::ReportArgs;
use crate::failure::Failure;
use crate::stored::StoredRun;

/// Largest `report.json` that the index reads, in bytes.
const REPORT_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub(crate) async fn report(args: ReportArgs) -> Result<u8, Failure> {
    if let Some(folder) = &args.all {
        let page = write_index(folder, args.out.as_deref())?;
        return finish(&args, &page);
    }
    let run =
        args.run.as_ref().ok_or_else(|| Failure::usage("error: name a run folder, or --all and a folder of runs"))?;
    let stored = StoredRun::read(run)?;
    let report = stored.judged();
    if let Some(url) = &args.otlp {
        send_metrics(&receiver(url)?, &report, &stored.record).await;
    }
    match args.format {
        None => {
            let folder = args.out.clone().unwrap_or_else(|| run.clone());
            std::fs::create_dir_all(&folder).map_err(|error| unwritable(&folder, &error))?;
            let folder = proofload_runner::run::RunFolder { path: folder, id: stored.record.run.id.clone() };
            write_reports(&folder, &report, &stored)?;
            finish(&args, &folder.path.join(Format::Html.file_name()))
        }
        Some(format) => write_one(&args, format, (&report, &stored), run),
    }
}

/// Where metrics go; a mistake in the address is told before anything is done.
pub(crate) fn receiver(url: &str) -> Result<Receiver, Failure> {
    let headers = super::run::variable("OTEL_EXPORTER_OTLP_HEADERS");
    Receiver::new(url, headers.as_deref()).map_err(|why| Failure::usage(format!("error: --otlp: {why}")))
}

fn write_one(
    args: &ReportArgs,
    format: Format,
    (report, stored): (&Report, &StoredRun),
    run: &Path,
) -> Result<u8, Failure> {
    let (record, baseline) = (&stored.record, stored.baseline.as_ref());
    let path = args.out.clone().unwrap_or_else(|| run.join(format.file_name()));
    if path.as_os_str() == "-" {
        let mut out = BufWriter::new(std::io::stdout().lock());
        return match format.write(report, record, baseline, &mut out).and_then(|()| out.flush()) {
            // Whoever reads the first lines and leaves has what they wanted.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(0),
            other => other.map(|()| 0).map_err(Failure::from),
        };
    }
    write_whole(&path, |out| format.write(report, record, baseline, out))?;
    finish(args, &path)
}

/// Writes beside the file and renames, so that nobody reads half of it. A device, a pipe or a link is written into: a rename would
/// put a file in its place.
fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), Failure> {
    if std::fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
        return write_into(path, write).map_err(|error| unwritable(path, &error));
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let written = write_into(&part, write).and_then(|()| std::fs::rename(&part, path));
    written.map_err(|error| {
        // Half a file is worth nothing; if removing it fails too, the first error still says why.
        let _ = std::fs::remove_file(&part);
        unwritable(path, &error)
    })
}

fn write_into(path: &Path, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    write(&mut out)?;
    out.flush()
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::internal(format!("error: {} cannot be written: {error}; choose another place with --out", path.display()))
}

/// Says where the result lies and shows it where asked.
fn finish(args: &ReportArgs, path: &Path) -> Result<u8, Failure> {
    writeln!(std::io::stdout(), "report: {}", path.display())?;
    if args.open {
        open(path)?;
    }
    Ok(0)
}

/// Hands a file to the desktop's own opener, which answers at once.
fn open(path: &Path) -> Result<(), Failure> {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let quiet =
        Command::new(opener).arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match quiet {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Failure::usage(format!(
            "error: --open: `{opener}` could not show it; open {} in a browser",
            path.display()
        ))),
    }
}

/// Writes the index of a folder's runs; gives the page.
fn write_index(folder: &Path, out: Option<&Path>) -> Result<PathBuf, Failure> {
    let (runs, unread) = read_runs(folder)?;
    for it in &unread {
        writeln!(std::io::stderr(), "skipped {}: {}", folder.join(&it.folder).display(), it.why)?;
    }
    if runs.is_empty() {
        return Err(Failure::usage(format!(
            "error: {} holds no run that can be read; name a folder such as reports/local",
            folder.display()
        )));
    }
    let place = out.unwrap_or(folder);
    std::fs::create_dir_all(place).map_err(|error| unwritable(place, &error))?;
    for file in index::files(&folder.display().to_string(), runs, &unread) {
        write_whole(&place.join(file.name), |out| out.write_all(&file.content))?;
    }
    Ok(place.join("index.html"))
}

/// Every folder that holds a report, or is named as a run and does not.
fn read_runs(folder: &Path) -> Result<(Vec<IndexedRun>, Vec<Unread>), Failure> {
    let wrong = |error: std::io::Error| Failure::usage(format!("error: {} cannot be read: {error}", folder.display()));
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(wrong)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(wrong)?;
    folders.retain(|path| path.is_dir());
    folders.sort();
    let (mut runs, mut unread) = (Vec::new(), Vec::new());
    for path in folders {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_run = ["report.json", "record.json"].iter().any(|file| path.join(file).exists());
        if !is_run && !name.starts_with("run-") {
            continue;
        }
        match read_report(&path.join("report.json")) {
            Ok(report) => runs.push(IndexedRun::new(name, &report)),
            Err(why) => unread.push(Unread { folder: name, why }),
        }
    }
    Ok((runs, unread))
}

fn read_report(path: &Path) -> Result<Report, String> {
    let failed = |error: std::io::Error| format!("report.json cannot be read: {error}; `proofload judge` writes it");
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    let read = file.take(REPORT_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if read as u64 > REPORT_BYTES_MAX {
        return Err(format!("report.json holds more than {REPORT_BYTES_MAX} bytes"));
    }
    Report::from_json(&text)
}
