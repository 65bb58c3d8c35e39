//! How a duration is shown to people: in every table and sentence alike. The fields of a log line are for machines:
//! whole numbers with their unit in the name (`took_ms`).

use std::fmt::Write as _;
use std::time::Duration;

/// A duration for people, in its two largest units: `3d 1h`, `5h 2m`, `3m 22s`, `12s`; below a second `850ms`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds == 0 && duration.as_millis() > 0 {
        return format!("{}ms", duration.as_millis());
    }
    let units = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let largest = units.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let mut text = String::new();
    for (count, unit) in units.iter().skip(largest).take(2).filter(|(count, _)| *count > 0) {
        let _ = write!(text, "{}{count}{unit}", if text.is_empty() { "" } else { " " });
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_show_their_two_largest_units() {
        let shown = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(shown(0), "0s");
        assert_eq!(shown(202), "3m 22s");
        assert_eq!(shown(3600), "1h");
        assert_eq!(shown(3605), "1h");
        assert_eq!(shown(90_061), "1d 1h");
        assert_eq!(duration(Duration::from_micros(850_900)), "850ms");
        assert_eq!(duration(Duration::from_nanos(900)), "0s");
    }
}
