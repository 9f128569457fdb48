//! The only addresses a link may lead to.

use super::Shown;
use std::fmt;

/// Terminals cut or drop longer ones (VTE at 2,083 bytes).
const URL_BYTES_MAX: usize = 2_048;

/// An http or https address of printable ASCII with a host: safe inside an OSC 8 sequence and on the screen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpUrl(String);

impl HttpUrl {
    /// `None` for any other scheme, without a host, or too long. What is not ASCII in path and query is percent-encoded;
    /// in the host it is refused, since a look-alike letter there leads elsewhere.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches(' ');
        let (scheme, rest) = text.split_once("://")?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return None;
        }
        let (authority, path) = match rest.find(['/', '?', '#']) {
            Some(at) => rest.split_at_checked(at)?,
            None => (rest, ""),
        };
        if !is_authority(authority) {
            return None;
        }
        let mut url = format!("{}://{}", scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
        for byte in path.bytes() {
            match byte {
                b'!'..=b'~' if !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}') => {
                    url.push(char::from(byte));
                }
                // A control character has no business in an address: it was put there to be parsed by something.
                0..=0x1F | 0x7F => return None,
                _ => url.push_str(&format!("%{byte:02X}")),
            }
        }
        (url.len() <= URL_BYTES_MAX).then_some(Self(url))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn shown(&self) -> Shown {
        Shown::line(&self.0)
    }
}

/// A host and maybe a port. No user name: `http://known.org@elsewhere.net` is made to deceive.
fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, port),
        _ => (authority, ""),
    };
    let v6 = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let host_fits = match v6 {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')),
    };
    host_fits && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit())
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
