//! The real binary on a real pseudo-terminal: it draws below the scrollback and leaves the terminal as it was. And what
//! it says to programs.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use proofload_core::live::{Line, Said};
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};

use super::cli::{FISH, environment, scenario, workspace};

const ROWS: u16 = 30;
const COLUMNS: u16 = 100;

/// What a terminal showed of a command.
struct Shown {
    /// The first screen that was waited for.
    moment: String,
    /// The screen when all is over.
    end: vt100::Parser,
    /// Everything that was written to it.
    bytes: Vec<u8>,
    code: Option<i32>,
}

/// Runs a command whose standard error is a terminal; acts at the first screen that holds `awaited`.
fn on_terminal(mut command: Command, awaited: &str, act: fn(&Child)) -> Shown {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    tcsetwinsize(&slave, Winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let before = format!("{:?}", tcgetattr(&master).unwrap());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(slave).spawn().unwrap();
    // The command keeps its end of the terminal otherwise, and reading would never end.
    drop(command);
    let mut shown =
        Shown { moment: String::new(), end: vt100::Parser::new(ROWS, COLUMNS, 0), bytes: Vec::new(), code: None };
    let mut reader = File::from(master);
    let mut piece = [0; 4096];
    loop {
        match reader.read(&mut piece) {
            Ok(read) if read > 0 => shown.bytes.extend_from_slice(&piece[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // Nobody holds the other end any more.
            _ => break,
        }
        shown.end = vt100::Parser::new(ROWS, COLUMNS, 0);
        shown.end.process(&shown.bytes);
        let screen = shown.end.screen().contents();
        if shown.moment.is_empty() && screen.contains(awaited) {
            shown.moment = screen;
            act(&child);
        }
    }
    shown.code = child.wait().unwrap().code();
    assert_eq!(format!("{:?}", tcgetattr(&reader).unwrap()), before, "the terminal's settings");
    shown
}

/// A run of the small scenario on a stack of its own.
fn run(folder: &Path, options: &[&str]) -> Command {
    let environment = environment(folder, "{{address fish}}", FISH);
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofload"));
    let out = folder.join("out").display().to_string();
    command.current_dir(workspace()).args(["run", &scenario(folder), "-e", &environment, "--out", &out]).args(options);
    command.env("TERM", "xterm-256color").env_remove("CI").env_remove("NO_COLOR");
    command
}

fn interrupt(child: &Child) {
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

fn assert_left_clean(shown: &Shown) {
    let screen = shown.end.screen();
    let text = screen.contents();
    assert!(text.contains("fish: http://127.0.0.1:"), "the scrollback stays: {text}");
    assert!(!text.contains("rate ") && !text.contains("rules"), "the view is gone: {text}");
    assert!(!screen.hide_cursor() && !screen.alternate_screen());
    assert_eq!(screen.cursor_position().1, 0, "the prompt comes at the start of a line: {text}");
}

#[test]
fn ctrl_c_leaves_a_clean_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let shown = on_terminal(run(folder.path(), &[]), "too few yet", interrupt);
    for part in ["load  ", " of 30 s", "/s due, ", "response  p50", "p95 ", "errors(health) ≤ 1%"] {
        assert!(shown.moment.contains(part), "{part}: {}", shown.moment);
    }
    assert_eq!(shown.code, Some(130));
    assert_left_clean(&shown);
    assert!(shown.bytes.windows(4).any(|bytes| bytes == b"\x1b[1m"), "colours are used on a terminal");
}

#[test]
fn no_color_is_honoured_on_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = run(folder.path(), &[]);
    command.env("NO_COLOR", "1");
    let shown = on_terminal(command, "rate  ", interrupt);
    let styles = String::from_utf8_lossy(&shown.bytes).split("\u{1b}[").filter(|code| is_style(code)).count();
    assert_eq!(styles, 0, "{}", String::from_utf8_lossy(&shown.bytes));
    assert_left_clean(&shown);
}

/// Digits and semicolons up to an `m`: a colour or another style.
fn is_style(code: &str) -> bool {
    let end = code.find(|character: char| !character.is_ascii_digit() && character != ';');
    end.is_some_and(|end| code[end..].starts_with('m'))
}

/// Mistakes in a file are underlined, in colour where that is allowed.
#[test]
fn colours_of_mistakes_follow_the_option() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.yaml");
    std::fs::write(&file, "apiVersion: proofload/v1\nkind: Scenario\nname: x\nflow: {}\n").unwrap();
    let said = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_proofload"));
        let output = command.args(["plan", &file.display().to_string()]).args(options).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said(&["--color", "always"]).contains("\u{1b}["));
    assert!(!said(&[]).contains("\u{1b}["), "standard error is no terminal here");
    assert!(said(&[]).contains("4 │ flow: {}"), "{}", said(&[]));
}

#[test]
fn a_program_hears_a_run_as_json_lines_and_the_verdict_last() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = run(folder.path(), &["--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said: Vec<Line> = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap) {
        said.push(serde_json::from_str(&line).unwrap());
        let seconds = said.iter().filter(|line| matches!(line.said, Said::Second(_))).count();
        if seconds == 3 && matches!(said.last().unwrap().said, Said::Second(_)) {
            interrupt(&child);
        }
    }
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(errors, "", "programs hear everything on standard output");
    assert!(said.iter().all(|line| line.api_version == "proofload/v1"));
    let Said::Second(last) = &said.iter().rfind(|line| matches!(line.said, Said::Second(_))).unwrap().said else {
        panic!("looked for it");
    };
    assert_eq!((last.planned_s, last.rules.len()), (30, 1));
    let Said::Verdict { exit_code, folder: run, report, .. } = &said.last().unwrap().said else {
        panic!("the verdict comes last: {said:?}");
    };
    assert_eq!((*exit_code, child.wait().unwrap().code()), (130, Some(130)));
    assert!(Path::new(run).join("record.json").is_file() && Path::new(report).is_file());
}

#[test]
fn a_program_hears_why_there_was_no_run() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofload"));
    let output = command.args(["run", "no-such.yaml", "--json"]).output().unwrap();
    let line: Line = serde_json::from_slice(&output.stdout).unwrap();
    let Said::Error { message, exit_code } = line.said else { panic!("{line:?}") };
    assert!(message.starts_with("error: the scenario no-such.yaml cannot be read"), "{message}");
    assert_eq!((exit_code, output.status.code()), (2, Some(2)));
}
