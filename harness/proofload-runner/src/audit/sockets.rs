//! Local ports towards the targets, and listeners of this machine that turned clients away: `/proc/net` (`proc_net(5)`,
//! kernel `Documentation/networking/snmp_counter.rst`).

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr};

/// Below this share of the port range, all sockets of the machine together are an upper bound that says enough; only
/// above it are those of each target counted, which costs the kernel a walk over all of them.
const COUNT_EACH_ABOVE: f64 = 0.05;
/// Most sockets that are walked over in one reading.
const SOCKETS_MAX: usize = 1_000_000;

/// Sockets towards the targets of a run.
#[derive(Debug)]
pub(super) struct Sockets {
    /// Each target as `/proc/net/tcp` writes it.
    targets: Vec<String>,
    overflows_before: Option<u64>,
}

impl Sockets {
    pub(super) fn new(targets: &[SocketAddr]) -> Self {
        Self { targets: targets.iter().map(|target| written(*target)).collect(), overflows_before: None }
    }

    /// The highest share of local ports that any target holds, TIME_WAIT included; `None` where the kernel does not
    /// say.
    #[expect(clippy::cast_precision_loss, reason = "there are 65,535 ports")]
    pub(super) fn ports(&self) -> Option<f64> {
        let range = range(&read("/proc/sys/net/ipv4/ip_local_port_range")?)? as f64;
        let v6 = read("/proc/net/sockstat6").unwrap_or_default();
        let at_most = sockets(&read("/proc/net/sockstat")?, &v6)? as f64 / range;
        if at_most <= COUNT_EACH_ABOVE {
            return Some(at_most);
        }
        let mut held: HashMap<&str, u64> = self.targets.iter().map(|target| (target.as_str(), 0)).collect();
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            let Ok(file) = File::open(table) else { continue };
            count(BufReader::new(file), &mut held);
        }
        Some(held.into_values().max().unwrap_or(0) as f64 / range)
    }

    /// Connections that listeners turned away since the first call; `None` where the kernel does not say.
    pub(super) fn listen_overflows(&mut self) -> Option<u64> {
        let now = overflows(&read("/proc/net/netstat")?)?;
        Some(now.saturating_sub(*self.overflows_before.get_or_insert(now)))
    }
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// How many ports `32768 60999` holds.
fn range(text: &str) -> Option<u64> {
    let mut bounds = text.split_whitespace().map(|word| word.parse::<u64>().ok());
    let (first, last) = (bounds.next()??, bounds.next()??);
    last.checked_sub(first).map(|span| span + 1)
}

/// All TCP sockets in use and in TIME_WAIT, of both families.
fn sockets(v4: &str, v6: &str) -> Option<u64> {
    let of = |text: &str, head: &str, name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(head))?;
        let mut words = line.split_whitespace().skip_while(|word| *word != name);
        words.nth(1)?.parse().ok()
    };
    let v6 = of(v6, "TCP6:", "inuse").unwrap_or(0);
    Some(of(v4, "TCP:", "inuse")? + of(v4, "TCP:", "tw")? + v6)
}

/// Counts the lines whose remote address, the third word, is a target's.
fn count(table: impl BufRead, held: &mut HashMap<&str, u64>) {
    for line in table.lines().map_while(Result::ok).take(SOCKETS_MAX) {
        if let Some(count) = line.split_whitespace().nth(2).and_then(|remote| held.get_mut(remote)) {
            *count += 1;
        }
    }
}

/// An address as `/proc/net/tcp` writes it: words of 32 bit in the machine's own byte order.
fn written(address: SocketAddr) -> String {
    let bytes = match address.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let words = bytes.chunks_exact(4).map(|word| u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
    let ip = words.map(|word| format!("{word:08X}")).collect::<Vec<_>>().concat();
    format!("{ip}:{:04X}", address.port())
}

/// `ListenOverflows`: names on one line of a group, values on the next.
fn overflows(text: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("TcpExt:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let mut pairs = names.split_whitespace().zip(values.split_whitespace());
    pairs.find(|(name, _)| *name == "ListenOverflows")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_of_ours_is_counted_for_its_target() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let target = written(listener.local_addr().unwrap());
        let held_by = || {
            let mut held = HashMap::from([(target.as_str(), 0)]);
            count(BufReader::new(File::open("/proc/net/tcp").unwrap()), &mut held);
            held[target.as_str()]
        };
        let connected: Vec<_> =
            (0..3).map(|_| std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap()).collect();
        assert_eq!(held_by(), connected.len() as u64);
    }

    #[test]
    fn lines_are_read_as_the_kernel_writes_them() {
        assert_eq!(range("32768\t60999\n"), Some(28_232));
        assert_eq!([range(""), range("9 1")], [None, None]);
        let v4 = "sockets: used 9\nTCP: inuse 5 orphan 0 tw 7 alloc 8 mem 1\nUDP: inuse 3 mem 2\n";
        assert_eq!(sockets(v4, "TCP6: inuse 2\nUDP6: inuse 9\n"), Some(14));
        assert_eq!(sockets(v4, ""), Some(12));
        let netstat = "TcpExt: SyncookiesSent ListenOverflows ListenDrops\nTcpExt: 0 17 18\nIpExt: a\nIpExt: 1\n";
        assert_eq!(overflows(netstat), Some(17));
        assert_eq!(overflows(""), None);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn addresses_are_written_as_the_kernel_does() {
        assert_eq!(written("127.0.0.1:8080".parse().unwrap()), "0100007F:1F90");
        assert_eq!(written("[::1]:80".parse().unwrap()), "00000000000000000000000001000000:0050");
    }
}
