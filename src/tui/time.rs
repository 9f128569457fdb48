//! Times as people read them. The zone is brought, never asked for.

use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

fn zoned(unix_ms: u64, utc_offset_s: i32) -> Option<Zoned> {
    let at = Timestamp::from_millisecond(i64::try_from(unix_ms).ok()?).ok()?;
    Some(at.to_zoned(TimeZone::fixed(Offset::from_seconds(utc_offset_s).ok()?)))
}

/// "21:04"; empty for a time no calendar has.
pub fn clock(unix_ms: u64, utc_offset_s: i32) -> String {
    zoned(unix_ms, utc_offset_s).map(|z| z.strftime("%H:%M").to_string()).unwrap_or_default()
}

/// "21:04" for today, "yesterday", "Tue 17 Nov", and with its year what is older than that.
pub fn day(unix_ms: u64, now_ms: u64, utc_offset_s: i32) -> String {
    let (Some(at), Some(now)) = (zoned(unix_ms, utc_offset_s), zoned(now_ms, utc_offset_s)) else { return String::new() };
    let days = now.date().since(at.date()).map_or(0, |span| span.get_days());
    match days {
        ..=0 => clock(unix_ms, utc_offset_s),
        1 => "yesterday".to_owned(),
        _ if at.year() == now.year() => at.strftime("%a %-d %b").to_string(),
        _ => at.strftime("%-d %b %Y").to_string(),
    }
}
