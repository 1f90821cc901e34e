//! Which addresses a client may make this stack go to. A name is judged again once it is resolved, and so is every redirect.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Checks what can be told from the address alone; returns it parsed, or a sentence why it is refused.
pub fn check_url(text: &str, allow_private: bool) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("not an absolute URL ({error})"))?;
    check_parsed(&url, allow_private)?;
    Ok(url)
}

/// [`check_url`] for an address that is parsed already, as a redirect's is.
pub fn check_parsed(url: &Url, allow_private: bool) -> Result<(), String> {
    check_scheme(url)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(String::from("credentials in the address are refused"));
    }
    match url.host() {
        None => Err(String::from("no host")),
        Some(_) if allow_private => Ok(()),
        Some(Host::Domain(name)) if is_local_name(name) => Err(String::from("the host is this machine")),
        Some(Host::Domain(_)) => Ok(()),
        Some(Host::Ipv4(ip)) => check_address(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => check_address(IpAddr::V6(ip)),
    }
}

/// Only `http` and `https` are followed.
pub fn check_scheme(url: &Url) -> Result<(), String> {
    match url.scheme() {
        "http" | "https" => Ok(()),
        other => Err(format!("scheme {other:?} is refused; use http or https")),
    }
}

/// Refuses addresses that lead to this machine or a private network.
pub fn check_address(ip: IpAddr) -> Result<(), String> {
    let inside = match ip {
        IpAddr::V4(ip) => is_inside_v4(ip),
        IpAddr::V6(ip) => is_inside_v6(ip),
    };
    if inside { Err(String::from("the host is loopback, private, link-local or reserved")) } else { Ok(()) }
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

fn is_inside_v4(ip: Ipv4Addr) -> bool {
    let [first, second, third, _] = ip.octets();
    ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_broadcast()
        || first == 0
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 198 && (second == 18 || second == 19))
        || first >= 240
}

/// IPv4 hides in several forms of IPv6; each is unwrapped and judged as what it is.
fn is_inside_v6(ip: Ipv6Addr) -> bool {
    let parts = ip.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_inside_v4(Ipv4Addr::new(a, b, c, d))
    };
    if let Some(mapped) = ip.to_ipv4_mapped() {
        return is_inside_v4(mapped);
    }
    let nat64 = parts[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    let six_to_four = parts[0] == 0x2002;
    ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        || (parts[0] & 0xfe00) == 0xfc00
        || (parts[0] & 0xffc0) == 0xfe80
        || parts[..6] == [0; 6]
        || (nat64 && embedded(parts[6], parts[7]))
        || (six_to_four && embedded(parts[1], parts[2]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, allow_private: bool, allowed: bool) {
        assert_eq!(check_url(text, allow_private).is_ok(), allowed, "{text} (private allowed: {allow_private})");
    }

    #[test]
    fn forbidden_addresses_are_refused_in_every_spelling() {
        for text in [
            "http://127.0.0.1/a.png",
            "http://127.1/a.png",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://0.0.0.0/",
            "http://10.1.2.3/",
            "http://172.16.0.1/",
            "http://192.168.1.1/",
            "http://169.254.169.254/latest/meta-data",
            "http://100.64.0.1/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://a.localhost/",
            "http://user:secret@example.com/",
            "ftp://example.com/a.png",
            "file:///etc/passwd",
            "data:image/png;base64,AAAA",
            "javascript:alert(1)",
            "/relative.png",
            "http://",
            "",
        ] {
            check(text, false, false);
        }
    }

    #[test]
    fn public_hosts_pass_and_private_ones_on_request() {
        check("http://example.com/a.png", false, true);
        check("https://93.184.216.34:8443/a.png?b=c", false, true);
        check("http://[2606:2800:220:1::1]/", false, true);
        check("http://127.0.0.1:8080/a.png", true, true);
        check("ftp://127.0.0.1/a.png", true, false);
        check("http://user@127.0.0.1/a.png", true, false);
    }
}
