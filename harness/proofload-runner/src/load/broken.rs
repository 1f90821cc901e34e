//! Why a request got no whole answer: the error classes of reports.

/// Why no whole answer came. The words are error classes in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Broken {
    /// No connection could be made.
    Refused,
    /// The TLS handshake failed.
    Tls,
    /// The connection ended before the whole answer was there.
    Reset,
    /// What came is not HTTP, or not as its RFC says.
    Malformed,
    /// The answer took longer than the request's timeout.
    TimedOut,
    /// The answer was larger than anything a flow reads.
    TooLarge,
    /// The request could not be built, for want of a value or by a bad one.
    NotSent,
    /// An earlier step of the pass went wrong, so this one never began.
    NotReached,
    /// This machine had no port, no file descriptor or no memory left for a connection: proofload's own limit.
    Local,
}

impl Broken {
    /// The class in a word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Broken::Refused => "refused",
            Broken::Tls => "tls",
            Broken::Reset => "reset",
            Broken::Malformed => "malformed",
            Broken::TimedOut => "timed-out",
            Broken::TooLarge => "too-large",
            Broken::NotSent => "not-sent",
            Broken::NotReached => "not-reached",
            Broken::Local => "no connection could be opened on this machine",
        }
    }
}

/// Tells our own limits from the target's refusal.
pub(super) fn why_not_connected(error: &std::io::Error) -> Broken {
    use rustix::io::Errno;
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::MFILE | Errno::NFILE | Errno::ADDRNOTAVAIL | Errno::NOBUFS | Errno::NOMEM) => Broken::Local,
        _ => Broken::Refused,
    }
}
